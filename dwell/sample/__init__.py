"""The sample data, and how it is made."""
