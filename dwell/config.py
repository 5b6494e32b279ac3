"""Where this project is, and which database a command uses."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]


def database(named: str | None = None) -> str:
    """Return the path of the database: named by an option, by DWELL_DATABASE, or the default."""
    return named or os.environ.get("DWELL_DATABASE", "dwell.duckdb")
