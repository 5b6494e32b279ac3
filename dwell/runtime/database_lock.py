"""Retries while another process has a database file open: DuckDB lets many read or one write."""

import re
import time
from collections.abc import Callable
from typing import TypeVar

import duckdb

from dwell.exceptions import DatabaseLockedError
from dwell.runtime import log, shutdown

LOCKED = "Could not set lock on file"
TIMEOUT_SECONDS = 600.0
LOG_AGAIN_SECONDS = 60

T = TypeVar("T")


class Waiting:
    """How long any wait may last, what is done meanwhile, and when a wait was last logged."""

    timeout_seconds = TIMEOUT_SECONDS
    logged_at: float | None = None

    @staticmethod
    def meanwhile() -> None:
        """Do what cannot wait: nothing, unless a command replaces this."""


class Wait:
    """One wait for a file, which begins when it is first found to be locked."""

    def __init__(self) -> None:
        self.began_at: float | None = None

    def go_on(self, message: str) -> None:
        """Wait a second, and log the holder of the file every minute; raise after the timeout."""
        shutdown.raise_if_requested()
        now = time.monotonic()
        if self.began_at is None:
            self.began_at = now
        if now - self.began_at >= Waiting.timeout_seconds:
            raise DatabaseLockedError(
                f"{file_of(message)} is open in {holder_of(message)}, and still is after "
                f"{now - self.began_at:.0f} s: end that process, or raise --lock-timeout, and "
                "start again. Nothing is lost"
            )
        if Waiting.logged_at is None or now - Waiting.logged_at > LOG_AGAIN_SECONDS:
            Waiting.logged_at = now
            log.warning(
                f"a database file is open elsewhere; waiting for it: {message.splitlines()[0]}",
                holder=holder_of(message),
            )
        Waiting.meanwhile()
        time.sleep(1)


def retry_while_locked(work: Callable[[], T]) -> T:
    """Call a function that opens a database file, again and again while the file is locked."""
    wait = Wait()
    while True:
        try:
            return work()
        except duckdb.IOException as error:
            if LOCKED not in str(error):
                raise
            wait.go_on(str(error))


def holder_of(message: str) -> str:
    """Return the program and the process that have a file open, from DuckDB's message."""
    found = re.search(r"held in (.+? \(PID \d+\))", message)
    return found[1] if found else "another program"


def file_of(message: str) -> str:
    """Return the file that DuckDB could not lock."""
    found = re.search(rf'{LOCKED} "(.+?)"', message)
    return found[1] if found else "a database file"
