"""Whether SIGTERM or Ctrl-C has asked this process to end."""

import signal
import sys

_asked = False


class ShutdownRequested(Exception):
    """It was asked to end while it waited for something."""


def handle_signals() -> None:
    """Handle SIGTERM and Ctrl-C from now on."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ask)


def is_requested() -> bool:
    """Whether it was asked."""
    return _asked


def raise_if_requested() -> None:
    """End a wait that may be long."""
    if _asked:
        raise ShutdownRequested


def _ask(*_) -> None:
    """Note it. Whoever asks twice means at once."""
    global _asked
    if _asked:
        sys.exit(130)
    _asked = True
