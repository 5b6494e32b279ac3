"""Whether compressed files are whole.

DuckDB does not look at their check sums: it reads a file that breaks off up to there, and says
nothing.
"""

import importlib
import sys
import zlib
from pathlib import Path

import duckdb

from dwell.config import ROOT
from dwell.exceptions import CorruptFileError

# {ending: the module that opens such a file}, imported if there is one
KINDS = {
    ".gz": "gzip",
    ".gzip": "gzip",
    ".zst": "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd",
}
MEGABYTE = 1 << 20
LOADED = """
select source, size_bytes from main.dwell_event_loads
union all
select source, size_bytes from main.dwell_heartbeat_loads
"""


def check(settings: dict, database: Path) -> None:
    """Raise CorruptFileError if a file that is about to be loaded is not whole.

    Only files on this machine are looked at; one that is loaded, and has its size of then, is not.
    """
    for name in ("events_path", "heartbeats_path"):
        for path in compressed_files(settings.get(name), database):
            if not is_whole(path):
                raise CorruptFileError(
                    f"{path} is not whole: it breaks off, is damaged, or is not compressed as its "
                    f"name says. Put it in place whole, or take it out of {name}."
                )


def compressed_files(named, database: Path) -> list[str]:
    """Return the files among paths and globs that are compressed, and that no run has loaded.

    A path that does not begin with / begins at the project's folder, as for dbt.
    """
    paths = named if isinstance(named, list) else [named]
    globs = [path for path in paths if isinstance(path, str) and "://" not in path]
    found = {
        file if Path(path).is_absolute() else file.removeprefix(f"{ROOT}/"): Path(file)
        .stat()
        .st_size
        for path in globs
        for (file,) in duckdb.execute("select file from glob(?)", [str(ROOT / path)]).fetchall()
        if Path(file).suffix.lower() in KINDS
    }
    return [file for file, size in found.items() - loaded(database)] if found else []


def loaded(database: Path) -> set[tuple[str, int]]:
    """Return name and size of the files that runs have loaded; none where that cannot be told."""
    if not database.exists():
        return set()
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            return set(connection.execute(LOADED).fetchall())
    except duckdb.Error:
        return set()


def is_whole(path: str) -> bool:
    """Return whether a compressed file ends where it should, with the check sum that it should."""
    kind = importlib.import_module(KINDS[Path(path).suffix.lower()])
    broken = getattr(kind, "ZstdError", zlib.error)
    try:
        with kind.open(ROOT / path) as file:
            while file.read(MEGABYTE):
                pass
    except (EOFError, OSError, broken):
        return False
    return True
