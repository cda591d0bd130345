"""The voice desk's far end and its rival in Python, both on aiortc: for tests and the bench only."""
