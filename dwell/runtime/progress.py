"""The progress of a run of dbt: a line that changes, in a terminal."""

import os
import threading
import time
from typing import Any, Self, TextIO

from dwell.runtime.terminal import escape, escape_lines

INTERVAL_SECONDS = 1
# about a test, without its name; its result has both
OF_A_TEST = ("LogTestResult", "RunResultWarning", "RunResultWarningMessage")


class Progress:
    """Handles dbt's events, and shows what dbt does: `[12/90] model fct_sessions  8 s`.

    Messages of dwell's macros and dbt's warnings are printed on lines that stay.
    """

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.is_shown = is_for_people(out)
        self.begun = self.total = 0
        self._running: dict[str, str] = {}
        self._started_at = time.monotonic()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ticking = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        if self.is_shown:
            self._ticking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self.is_shown:
            self._ticking.join()
            self._write("\r\x1b[K")

    @property
    def seconds(self) -> float:
        """The seconds since the start."""
        return time.monotonic() - self._started_at

    def handle(self, event: Any) -> None:
        """Handle an event of dbt."""
        name, data = event.info.name, event.data
        if name == "LogStartLine":
            node = data.node_info
            description = f"{node.resource_type.replace('_', ' ')} {node.node_name}"
            self.begun, self.total = max(self.begun, data.index), data.total
            self._running[node.unique_id] = description
            self.show()
        elif name == "NodeFinished":
            self._running.pop(data.node_info.unique_id, None)
        elif name == "PrintEvent" or (event.info.level == "warn" and name not in OF_A_TEST):
            self.print_lines(event.info.msg)

    def print_lines(self, text: str) -> None:
        """Print lines that stay."""
        text = escape_lines(text)
        self._write(f"\r\x1b[K{text}\n" if self.is_shown else f"{text}\n")
        self.show()

    def show(self) -> None:
        """Redraw the line."""
        if not self.is_shown:
            return
        # of several, the one that started first
        node = next(iter(list(self._running.values())), "")
        status = f"[{self.begun}/{self.total}] {node}" if self.total else "dbt parses the project"
        took = f"  {self.seconds:.0f} s"
        width = os.get_terminal_size(self.out.fileno()).columns - 1
        status = escape(status)
        self._write(f"\r\x1b[K{status[: max(width - len(took), 0)]}{took}")

    def _tick(self) -> None:
        while not self._ended.wait(INTERVAL_SECONDS):
            self.show()

    def _write(self, text: str) -> None:
        with self._lock:
            self.out.write(text)
            self.out.flush()


def is_for_people(out: TextIO) -> bool:
    """Whether output goes to a terminal of a person, who would see a line change."""
    return out.isatty() and not os.environ.get("CI") and not os.environ.get("NO_COLOR")
