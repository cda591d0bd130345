"""Cut the power at any write of an update, and see whether the box still boots and still has its data."""
