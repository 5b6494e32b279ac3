"""Permissions of new files: no more users may read them than may read what they are made from.

Files get their permissions from the process's umask, no matter what creates them: Python, DuckDB,
dbt, or a process that this one starts. So each command sets it once, at its start. With
DWELL_PRIVATE=1, only the owner may read files. SECURITY.md lists the files and what they hold.
"""

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dwell.config import ROOT, database
from dwell.exceptions import UsageError

OTHERS = 0o077
# {permission to read: all permissions of the same users}
USERS = {stat.S_IRGRP: stat.S_IRWXG, stat.S_IROTH: stat.S_IRWXO}


def set_up(options: Mapping[str, Any]) -> None:
    """Set the umask of a command; with DWELL_PRIVATE, also restrict files that exist."""
    if is_private():
        os.umask(os.umask(OTHERS) | OTHERS)
        for path in files_of(options):
            narrow(path)
    path = Path(database(options.get("database")))
    landing = Path(options.get("landing") or os.devnull)
    # the ledger, published records, and the report are made from the database, which is made, the
    # first time, from landing files
    sources = [path] if path.exists() else [*landing.glob("*.parquet")]
    os.umask(forbidden_by(sources) | current_umask())


def is_private() -> bool:
    """Whether DWELL_PRIVATE asks for files that only their owner may read."""
    value = os.environ.get("DWELL_PRIVATE", "")
    if value not in ("", "0", "1"):
        raise UsageError(f"DWELL_PRIVATE must be 1 or 0, not {value}")
    return value == "1"


def files_of(options: Mapping[str, Any]) -> list[Path]:
    """Return the files and folders that a command writes to and that exist."""
    names = [
        database(options.get("database")),
        *(options.get(name) for name in ("landing", "publish_folder", "ledger", "read_copy")),
        ROOT / os.environ.get("DBT_LOG_PATH", "logs"),
        ROOT / os.environ.get("DBT_TARGET_PATH", "target"),
    ]
    return [path for name in names if name and (path := Path(name)).exists()]


@contextlib.contextmanager
def no_wider_than(sources: list[Path]) -> Iterator[None]:
    """Let no more users read new files than may read each of the sources."""
    before = current_umask()
    os.umask(before | forbidden_by(sources))
    try:
        yield
    finally:
        os.umask(before)


def narrow(path: Path) -> None:
    """Remove the permissions of users who may not read new files; keep those of another owner's."""
    status, umask = path.stat(), current_umask()
    mode = stat.S_IMODE(status.st_mode)
    forbidden = sum(every for read, every in USERS.items() if umask & read)
    if mode & forbidden and os.geteuid() in (0, status.st_uid):
        path.chmod(mode & ~forbidden)


def forbidden_by(sources: list[Path]) -> int:
    """Return the umask that excludes users who may not read one of the sources."""
    modes = [path.stat().st_mode for path in sources]
    return sum(every for read, every in USERS.items() if not all(m & read for m in modes))


def current_umask() -> int:
    """Return the umask; it can only be read by setting it."""
    umask = os.umask(OTHERS)
    os.umask(umask)
    return umask
