"""A build on a copy, which replaces the live file (write-audit-publish)."""
