"""Database files that someone else has open: DuckDB lets many read or one write."""

import time
from collections.abc import Callable

import duckdb

from dwell import log, stop

LOCKED = "Could not set lock on file"
SAY_EVERY_SECONDS = 60
_said_at: float | None = None


def patiently(work: Callable):
    """Do something that opens a database file; wait, and say so, while someone else has it."""
    while True:
        try:
            return work()
        except duckdb.IOException as error:
            if LOCKED not in str(error):
                raise
            wait_for_lock(str(error))


def wait_for_lock(said: str) -> None:
    """Wait a second, and say every minute who has the file."""
    global _said_at
    stop.end_if_asked()
    if _said_at is None or time.monotonic() - _said_at > SAY_EVERY_SECONDS:
        _said_at = time.monotonic()
        log.warn("a database file is open elsewhere; waiting for it: " + said.splitlines()[0])
    time.sleep(1)
