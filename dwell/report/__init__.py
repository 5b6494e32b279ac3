"""The answers and the page."""
