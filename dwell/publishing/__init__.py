"""What is published, and the ledger that makes it exactly once."""
