"""Logs: sentences in a terminal; elsewhere JSON objects, one per line."""

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any

from dwell.runtime.terminal import escape, escape_lines

LOG = logging.getLogger("dwell")


def set_up() -> None:
    """Send what is logged to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Sentences() if sys.stderr.isatty() else Objects())
    # Kafka's client logs each attempt to connect; error_cb logs once that no broker is reachable
    handler.addFilter(lambda record: not record.getMessage().startswith("FAIL ["))
    LOG.handlers[:] = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


def info(message: str, **fields: Any) -> None:
    """Log what happened, with the numbers as fields for machines."""
    record(logging.INFO, message, **fields)


def warning(message: str, **fields: Any) -> None:
    """Log a problem; the work continues."""
    record(logging.WARNING, message, **fields)


def error(message: str, **fields: Any) -> None:
    """Log why a command fails, or what differs."""
    record(logging.ERROR, message, **fields)


def record(level: int, message: str, **fields: Any) -> None:
    """Log a message at a level of logging."""
    LOG.log(level, message, extra={"fields": fields})


class Objects(logging.Formatter):
    """One JSON object per line: time, level, message, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            # for people; the fields are exact
            "message": escape(record.getMessage(), keep="\n"),
            **getattr(record, "fields", {}),
        }
        return escape(json.dumps(fields, default=str))


class Sentences(logging.Formatter):
    """The sentence, after the time of day; it overwrites a status line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        mark = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        return f"\r\x1b[K{at} {mark}{escape_lines(record.getMessage())}"


class Status:
    """The current status: a line that changes in a terminal; elsewhere a record at intervals."""

    def __init__(self, every_seconds: float = 60) -> None:
        self.is_terminal = sys.stderr.isatty()
        self.every_seconds = every_seconds
        self.logged_at: float | None = None

    def update(self, now: float, message: str, **fields: Any) -> None:
        """Print the status, or log it if the interval has passed; `now` is time.monotonic()."""
        if self.is_terminal:
            print(f"\r\x1b[K{escape(message)}", end="", file=sys.stderr, flush=True)
        elif self.logged_at is None or now - self.logged_at >= self.every_seconds:
            self.logged_at = now
            info(message, **fields)

    def end(self) -> None:
        """End the line, which stays."""
        if self.is_terminal:
            print(file=sys.stderr)


class Rate:
    """Messages per second since the last call."""

    def __init__(self) -> None:
        self.before = (time.monotonic(), 0)

    def per_second(self, now: float, messages: int) -> float:
        """Return the rate, given how many messages there are in total now."""
        at, before = self.before
        self.before = (now, messages)
        return (messages - before) / max(now - at, 1e-3)
