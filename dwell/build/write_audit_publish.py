"""Write-audit-publish: builds a copy of a database, which replaces the live file at once.

Builds hold the live file open for reading. DuckDB lets many read or one write, so other processes
can read meanwhile, and none can write what the new file would not have. File locks belong to a
process, and a process that closes a file loses its locks on the file: so only DuckDB opens the live
file in this process, and another process copies it.
"""

import contextlib
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import duckdb

from dwell.exceptions import BuildError, BuildFailedError
from dwell.runtime.atomic_file import copy_file, replace_file
from dwell.runtime.database_lock import LOCKED, holder_of

TRIES = 3

# device and inode
FileId = tuple[int, int]


@contextlib.contextmanager
def working_copy(database: Path) -> Iterator[Path]:
    """Yield a copy to build on, of the same name, which replaces the database at the end.

    If the body raises, or the process dies, the database does not change. If this process dies, or
    the body raises BuildFailedError, the copy stays until the next build removes it.
    """
    # a link stays a link
    live = database.resolve()
    validate_path(database, live)
    with build_lock(live.with_name(f".{live.name}.build")) as lock, read_lock(live) as before:
        folder = Path(lock.name).parent
        remove_leftovers(folder, keep=lock)
        # views refer to their database by its file name
        copy = folder / live.name
        try:
            if before is not None:
                copy_live_file(live, copy, lock)
            yield copy
            checkpoint(copy)
            replace_live_file(copy, live, before)
        except BuildFailedError:
            raise
        except BaseException:
            remove_leftovers(folder, keep=lock)
            raise


def validate_path(database: Path, live: Path) -> None:
    """Raise BuildError unless a file can be written at this path."""
    if re.match(r":memory:|[a-z][a-z0-9]+:", str(database)):
        raise BuildError(
            f"{database} is not a file: dwell build builds one DuckDB file; build others with "
            "dbt build"
        )
    if not live.parent.is_dir():
        raise BuildError(f"folder {live.parent} does not exist: create it, or name another file")
    if live.is_dir():
        raise BuildError(f"{live} is a folder: name a file")
    if not os.access(live.parent, os.W_OK) or (live.exists() and not os.access(live, os.W_OK)):
        raise BuildError(f"you may not write {live}: change its permissions, or name another file")


@contextlib.contextmanager
def build_lock(folder: Path) -> Iterator[TextIO]:
    """Create a folder to build in, and lock it for this build; an empty one is removed later."""
    while True:
        folder.mkdir(exist_ok=True)
        try:
            lock = (folder / "lock").open("a+")
        except FileNotFoundError:
            # another build has just ended, and removed the folder
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            number = lock.read().strip()
            lock.close()
            process = f" (process {number})" if number else ""
            raise BuildError(f"another build is running{process}: wait for it") from None
        if file_id(Path(lock.name)) == file_id(lock.fileno()):
            break
        lock.close()
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    with lock:
        try:
            yield lock
        finally:
            Path(lock.name).unlink()
            with contextlib.suppress(OSError):
                folder.rmdir()


@contextlib.contextmanager
def read_lock(live: Path) -> Iterator[FileId | None]:
    """Prevent writes to a file, but not reads. Yield the file's id; None if it is new."""
    before = file_id(live)
    if before is None:
        yield None
        return
    with open_without_wal(live):
        yield before


def open_without_wal(live: Path) -> duckdb.DuckDBPyConnection:
    """Open a file for reading, after a checkpoint if a process died while it wrote.

    What that process wrote last is in FILE.wal, which must not be left next to another file.
    """
    for _ in range(TRIES):
        connection = open_database(live, read_only=True)
        logs = wal_files(live)
        if not logs:
            return connection
        connection.close()
        purpose = f"{logs[0].name} of a process that died must be checkpointed"
        with open_database(live, purpose) as own:
            own.execute("checkpoint")
    raise BuildError(f"other processes keep writing to {live}: end them, and build again")


def open_database(
    path: Path, purpose: str = "", read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    """Open a database, or raise BuildError, which names the process that holds it."""
    try:
        return duckdb.connect(str(path), read_only=read_only)
    except duckdb.Error as error:
        message = str(error).splitlines()[0]
        if LOCKED not in message:
            raise BuildError(f"{path} cannot be opened: {message}") from None
        problem = f"{purpose}, but it is open in" if purpose else "it is open for writing in"
        raise BuildError(
            f"{path}: {problem} {holder_of(message)}: end that process, and build again"
        ) from None


def copy_live_file(live: Path, copy: Path, lock: TextIO) -> None:
    """Copy the live file, if there is room for it."""
    size, free = live.stat().st_size, shutil.disk_usage(copy.parent).free
    if free < size:
        raise BuildError(
            f"a copy of {live} takes {size / 2**20:,.0f} MB, and {free / 2**20:,.0f} MB are free "
            "on its disk: free some space, and build again"
        )
    # if this process is killed, cp keeps the lock until it is done: the next build must not begin
    # while its file is being written
    try:
        copy_file(live, copy, [lock.fileno()])
    except OSError as error:
        raise BuildError(str(error)) from None
    copy.chmod(copy.stat().st_mode | stat.S_IRUSR | stat.S_IWUSR)


def checkpoint(copy: Path) -> None:
    """Move everything from a database's WAL into its file."""
    if not copy.exists():
        raise BuildError("nothing was built")
    try:
        with open_database(copy) as connection:
            connection.execute("checkpoint")
    except duckdb.Error as error:
        # such as a disk that is full
        message = str(error).splitlines()[0]
        raise BuildError(f"the copy cannot be checkpointed into one file: {message}") from None
    if logs := wal_files(copy):
        raise BuildError(f"{logs[0]} is left, so {copy} is not complete: build again")


def replace_live_file(copy: Path, live: Path, before: FileId | None) -> None:
    """Rename the copy to the live file, with the mode of that and, if permitted, its owner."""
    if file_id(live) != before:
        raise BuildError(f"{live} was replaced during the build: build again")
    if before is None:
        # as DuckDB itself does where a file is new
        for path in wal_files(live):
            path.unlink()
    else:
        status = live.stat()
        with contextlib.suppress(PermissionError):
            os.chown(copy, status.st_uid, status.st_gid)
        copy.chmod(stat.S_IMODE(status.st_mode))
    replace_file(copy, live)


def wal_files(path: Path) -> list[Path]:
    """Return the files in which DuckDB keeps what is not in the database file yet."""
    return [p for p in path.parent.iterdir() if p.name.startswith(f"{path.name}.wal")]


def remove_leftovers(folder: Path, keep: TextIO) -> None:
    """Remove what an earlier build has left."""
    for path in folder.iterdir():
        if path == Path(keep.name):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def file_id(file: Path | int) -> FileId | None:
    """Return what distinguishes a file from another of the same name; None if there is none."""
    try:
        status = os.stat(file)  # noqa: PTH116 - of an open file, too
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
