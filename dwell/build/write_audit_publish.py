"""A database file is built beside the one that people read, and takes its place as a whole.

The live file is held open as a reader holds it. DuckDB lets many read or one write, so readers go
on, and nobody writes what the new file would not have. Locks of files belong to processes, and a
process that closes a file loses those that it has on it: so the live file is opened by DuckDB
alone, and copied by a process of its own.
"""

import contextlib
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import duckdb

from dwell.exceptions import BuildError, BuildFailedError
from dwell.runtime.atomic_file import copy_file, replace_file
from dwell.runtime.database_lock import LOCKED, holder_of

TRIES = 3


@contextlib.contextmanager
def working_copy(database: Path) -> Iterator[Path]:
    """Give a copy to build on, of the same name. It takes the database's place at the end.

    If the body raises, or the process dies, the database stays as it is. The copy is left, for the
    next build to remove, if this process dies or the body raises BuildFailedError.
    """
    # a link stays a link
    live = database.resolve()
    look_at(database, live)
    with only_one(live.with_name(f".{live.name}.build")) as lock, held(live) as before:
        folder = Path(lock.name).parent
        clear(folder, but=lock)
        # views know their database by the name of its file
        copy = folder / live.name
        try:
            if before is not None:
                copy_to(copy, live, lock)
            yield copy
            close_up(copy)
            take_place(copy, live, before)
        except BuildFailedError:
            raise
        except BaseException:
            clear(folder, but=lock)
            raise


def look_at(database: Path, live: Path) -> None:
    """See that this is a place for a file."""
    if re.match(r":memory:|[a-z][a-z0-9]+:", str(database)):
        raise BuildError(
            f"{database} is no file: dwell build makes one DuckDB file; build others with dbt build"
        )
    if not live.parent.is_dir():
        raise BuildError(f"there is no folder {live.parent}: make it, or name another file")
    if live.is_dir():
        raise BuildError(f"{live} is a folder: name a file")
    if not os.access(live.parent, os.W_OK) or (live.exists() and not os.access(live, os.W_OK)):
        raise BuildError(f"{live} may not be written by who runs this")


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator:
    """Make a folder to build in, and keep other builds out; it goes if nothing is left in it."""
    while True:
        folder.mkdir(exist_ok=True)
        try:
            lock = (folder / "lock").open("a+")
        except FileNotFoundError:
            # another build has just ended, and taken the folder away
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            number = lock.read().strip()
            lock.close()
            by = f", by process {number}" if number else ""
            raise BuildError(f"another build is at work here already{by}: wait for it") from None
        if identity(Path(lock.name)) == identity(lock.fileno()):
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
def held(live: Path) -> Iterator[tuple | None]:
    """Keep writers from a file; readers may come and go. Give its identity, None if it is new."""
    before = identity(live)
    if before is None:
        yield None
        return
    with open_without_wal(live):
        yield before


def open_without_wal(live: Path) -> duckdb.DuckDBPyConnection:
    """Open a file to read, once what a writer that died had still to put into it is in it.

    It stands in FILE.wal, which must not be left beside another file.
    """
    for _ in range(TRIES):
        connection = opened(live, read_only=True)
        logs = logs_of(live)
        if not logs:
            return connection
        connection.close()
        with opened(live, f"what a writer that died left in {logs[0].name} must be put in") as own:
            own.execute("checkpoint")
    raise BuildError(f"others keep writing to {live}: end them, and build again")


def opened(path: Path, why: str = "", read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a database, or say who keeps it from that."""
    try:
        return duckdb.connect(str(path), read_only=read_only)
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        if LOCKED not in said:
            raise BuildError(f"{path} cannot be opened: {said}") from None
        who = holder_of(said)
        what = f"{why}, but it is open in" if why else "it is open for writing in"
        raise BuildError(f"{path}: {what} {who}: end that, and build again") from None


def copy_to(copy: Path, live: Path, lock) -> None:
    """Copy the live file, if there is room for it."""
    size, free = live.stat().st_size, shutil.disk_usage(copy.parent).free
    if free < size:
        raise BuildError(
            f"a copy of {live} takes {size / 2**20:,.0f} MB, and {free / 2**20:,.0f} MB are free "
            f"beside it: make room, and build again"
        )
    # if this process is killed, cp still has the lock until it is done: the next build may not
    # begin while its file is being written
    try:
        copy_file(live, copy, [lock.fileno()])
    except OSError as error:
        raise BuildError(str(error)) from None
    copy.chmod(copy.stat().st_mode | stat.S_IRUSR | stat.S_IWUSR)


def close_up(copy: Path) -> None:
    """See that all of a database is in its file."""
    if not copy.exists():
        raise BuildError("nothing was built")
    try:
        with opened(copy) as connection:
            connection.execute("checkpoint")
    except duckdb.Error as error:
        # such as a disk that is full
        said = str(error).splitlines()[0]
        raise BuildError(f"what was built cannot be put into one file: {said}") from None
    if logs := logs_of(copy):
        raise BuildError(f"{logs[0]} is left, so {copy} is not whole: build again")


def take_place(copy: Path, live: Path, before: tuple | None) -> None:
    """Put the copy in place of the live file, with its owner, as far as one may, and its mode."""
    if identity(live) != before:
        raise BuildError(f"{live} was replaced while this one was built: build again")
    if before is None:
        # as DuckDB itself does where a file is new
        for path in logs_of(live):
            path.unlink()
    else:
        about = live.stat()
        with contextlib.suppress(PermissionError):
            os.chown(copy, about.st_uid, about.st_gid)
        copy.chmod(stat.S_IMODE(about.st_mode))
    replace_file(copy, live)


def logs_of(path: Path) -> list[Path]:
    """Return the files beside a database in which DuckDB keeps what is not in it yet."""
    return [p for p in path.parent.iterdir() if p.name.startswith(f"{path.name}.wal")]


def clear(folder: Path, but) -> None:
    """Remove what an earlier build has left."""
    for path in folder.iterdir():
        if path == Path(but.name):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def identity(file: Path | int) -> tuple[int, int] | None:
    """Return what tells a file from another of its name; None if there is none."""
    try:
        about = os.stat(file)  # noqa: PTH116 - of an open file, too
    except FileNotFoundError:
        return None
    return about.st_dev, about.st_ino
