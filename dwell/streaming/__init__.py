"""The listener: land, transform, publish."""
