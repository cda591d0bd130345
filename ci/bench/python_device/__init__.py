"""The device that the service is measured against."""
