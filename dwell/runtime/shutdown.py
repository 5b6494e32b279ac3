"""Whether SIGTERM or Ctrl-C has asked this process to end."""

import signal
import sys
from types import FrameType

_is_requested = False


class ShutdownRequested(Exception):  # noqa: N818 - it ends a wait, and is no error
    """The process was asked to end while it waited for something."""


def handle_signals() -> None:
    """Handle SIGTERM and Ctrl-C from now on."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _request)


def is_requested() -> bool:
    """Whether the process was asked to end."""
    return _is_requested


def raise_if_requested() -> None:
    """End a wait that may be long."""
    if _is_requested:
        raise ShutdownRequested


def _request(_number: int, _frame: FrameType | None) -> None:
    """Remember the request. A second one ends the process at once."""
    global _is_requested
    if _is_requested:
        sys.exit(130)
    _is_requested = True
