"""How far a run of dbt is: a line that changes, in a terminal."""

import os
import threading
import time
from typing import TextIO

from dwell.runtime.terminal import escape, escape_lines

EVERY_SECONDS = 1
# said of a test, without its name; its result has both
OF_A_TEST = ("LogTestResult", "RunResultWarning", "RunResultWarningMessage")


class Progress:
    """Hears dbt, and tells what it does: `[12/90] model fct_sessions  8 s`.

    What dwell's macros and dbt's warnings say is told too, and outlasts the line.
    """

    def __init__(self, out: TextIO):
        self.out = out
        self.is_shown = is_for_people(out)
        self.begun = self.total = 0
        self._at_work: dict[str, str] = {}
        self._started_at = time.monotonic()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ticking = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self):
        if self.is_shown:
            self._ticking.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        if self.is_shown:
            self._ticking.join()
            self._write("\r\x1b[K")

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self._started_at

    def handle(self, message) -> None:
        """Take an event of dbt."""
        name, about = message.info.name, message.data
        if name == "LogStartLine":
            node = about.node_info
            what = f"{node.resource_type.replace('_', ' ')} {node.node_name}"
            self.begun, self.total = max(self.begun, about.index), about.total
            self._at_work[node.unique_id] = what
            self.show()
        elif name == "NodeFinished":
            self._at_work.pop(about.node_info.unique_id, None)
        elif name == "PrintEvent" or (message.info.level == "warn" and name not in OF_A_TEST):
            self.print_lines(message.info.msg)

    def print_lines(self, text: str) -> None:
        """Print lines that stay."""
        text = escape_lines(text)
        self._write(f"\r\x1b[K{text}\n" if self.is_shown else f"{text}\n")
        self.show()

    def show(self) -> None:
        """Draw the line anew."""
        if not self.is_shown:
            return
        # of several, the one that has been at work for longest
        what = next(iter(list(self._at_work.values())), "")
        at = f"[{self.begun}/{self.total}] {what}" if self.total else "dbt reads the project"
        took = f"  {self.seconds:.0f} s"
        width = os.get_terminal_size(self.out.fileno()).columns - 1
        at = escape(at)
        self._write(f"\r\x1b[K{at[: max(width - len(took), 0)]}{took}")

    def _tick(self):
        while not self._ended.wait(EVERY_SECONDS):
            self.show()

    def _write(self, text):
        with self._lock:
            self.out.write(text)
            self.out.flush()


def is_for_people(out: TextIO) -> bool:
    """Whether someone looks at it who would see a line change."""
    return out.isatty() and not os.environ.get("CI") and not os.environ.get("NO_COLOR")
