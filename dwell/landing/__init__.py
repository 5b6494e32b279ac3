"""The folder where messages land."""
