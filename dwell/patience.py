"""Database files that someone else has open: DuckDB lets many read or one write."""

import time
from collections.abc import Callable

import duckdb

from dwell import log

LOCKED = "Could not set lock on file"


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
    """Say who has the file, and wait a second."""
    log.warn("a database file is open elsewhere; waiting for it: " + said.splitlines()[0])
    time.sleep(1)
