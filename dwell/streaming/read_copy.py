"""Copies of database files for other programs to read without delaying the listener.

DuckDB lets many processes read or one write. A program that opens a copy delays no one: the next
copy replaces it by a rename, and a program that opens the file again sees it. A copy keeps the name
of its file, because views know their database by it, and so is in a folder of its own.
"""

import time
from pathlib import Path

import duckdb

from dwell.build.write_audit_publish import open_without_wal
from dwell.exceptions import BuildError, UsageError
from dwell.runtime import log
from dwell.runtime.atomic_file import copy_file, replace_file


class ReadCopy:
    """A folder with a copy of each file, replaced at an interval."""

    def __init__(self, folder: Path, every_seconds: float, files: list[Path]) -> None:
        self.folder, self.every_seconds, self.files = folder, every_seconds, files
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            if folder.resolve() == file.resolve().parent:
                raise UsageError(
                    f"--read-copy {folder} is the folder of {file.name} itself: a copy keeps the "
                    "name of its file, so name another folder"
                )
        self.tried_at: float | None = None
        # {file: (inode, size, time of modification) when it was copied}
        self.copied: dict[Path, tuple[int, int, int]] = {}

    def make_if_due(self) -> None:
        """Copy the files that have changed, if the interval has passed since the last time."""
        now = time.monotonic()
        if self.tried_at is None or now - self.tried_at >= self.every_seconds:
            self.make()

    def make(self) -> None:
        """Copy the files that have changed; one that cannot be copied keeps its last copy."""
        for file in self.files:
            try:
                self.copy(file)
            except (BuildError, duckdb.Error, OSError) as error:
                log.warning(f"{self.folder / file.name} is not up to date: {error}")
        self.tried_at = time.monotonic()

    def copy(self, file: Path) -> None:
        """Copy a file if it exists and has changed, and replace the last copy."""
        if not file.exists():
            return
        copy, hidden = self.folder / file.name, self.folder / f".{file.name}.tmp"
        # open for reading, so that no one writes meanwhile
        with open_without_wal(file):
            status = file.stat()
            version = (status.st_ino, status.st_size, status.st_mtime_ns)
            if self.copied.get(file) == version and copy.exists():
                return
            # a new file: a killed process may have left a cp that still writes to the old one
            hidden.unlink(missing_ok=True)
            try:
                copy_file(file, hidden)
                replace_file(hidden, copy)
            finally:
                hidden.unlink(missing_ok=True)
        self.copied[file] = version
