"""Commands, their options, and their exit codes."""
