"""Who may read what dwell writes: no more users than may read what it was made from.

Files get their permissions from the process's umask, whoever makes them: Python, DuckDB, dbt, or a
process that this one starts. So each command sets it once, at its start. DWELL_PRIVATE=1 leaves
files to their owner alone. SECURITY.md lists the files and what they hold.
"""

import argparse
import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from dwell.config import ROOT, database

OTHERS = 0o077
# {permission to read: all permissions of these users}
READERS = {stat.S_IRGRP: stat.S_IRWXG, stat.S_IROTH: stat.S_IRWXO}


def set_up(arguments: argparse.Namespace) -> None:
    """Set the umask of a command; with DWELL_PRIVATE, also close what is there already."""
    if is_private():
        os.umask(os.umask(OTHERS) | OTHERS)
        for path in files_of(arguments):
            narrow(path)
    path = Path(database(getattr(arguments, "database", None)))
    landing = Path(getattr(arguments, "landing", None) or os.devnull)
    # the ledger, what is published and the report are made from the database, and that, the first
    # time, from what has landed
    sources = [path] if path.exists() else [*landing.glob("*.parquet")]
    os.umask(forbidden_by(sources) | current_umask())


def is_private() -> bool:
    """Whether DWELL_PRIVATE asks for files that only their owner may read."""
    value = os.environ.get("DWELL_PRIVATE", "")
    if value not in ("", "0", "1"):
        raise ValueError(f"DWELL_PRIVATE must be 1 or 0, not {value}")
    return value == "1"


def files_of(arguments: argparse.Namespace) -> list[Path]:
    """Return the files and folders that a command writes to, if they are there."""
    names = [
        database(getattr(arguments, "database", None)),
        *(
            getattr(arguments, name, None)
            for name in ("landing", "publish_folder", "ledger", "read_copy")
        ),
        ROOT / os.environ.get("DBT_LOG_PATH", "logs"),
        ROOT / os.environ.get("DBT_TARGET_PATH", "target"),
    ]
    return [path for name in names if name and (path := Path(name)).exists()]


@contextlib.contextmanager
def no_wider_than(sources: list[Path]) -> Iterator[None]:
    """Have new files be readable by no more users than each of some others."""
    before = current_umask()
    os.umask(before | forbidden_by(sources))
    try:
        yield
    finally:
        os.umask(before)


def narrow(path: Path) -> None:
    """Close a file or folder to users who may not read new ones; another owner's stays as it is."""
    about, umask = path.stat(), current_umask()
    mode = stat.S_IMODE(about.st_mode)
    forbidden = sum(every for read, every in READERS.items() if umask & read)
    if mode & forbidden and os.geteuid() in (0, about.st_uid):
        path.chmod(mode & ~forbidden)


def forbidden_by(sources: list[Path]) -> int:
    """Return the umask that keeps out users who may not read one of the sources."""
    modes = [path.stat().st_mode for path in sources]
    return sum(every for read, every in READERS.items() if not all(m & read for m in modes))


def current_umask() -> int:
    """Return the umask; it can only be read by setting it."""
    umask = os.umask(OTHERS)
    os.umask(umask)
    return umask
