"""The warehouses that streams are loaded into, each by its own client."""
