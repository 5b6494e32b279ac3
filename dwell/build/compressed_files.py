"""Validates compressed files before dbt reads them.

DuckDB does not verify their checksums: it reads a truncated file up to its end, without an error.
"""

import importlib
import sys
import zlib
from pathlib import Path
from typing import Any

import duckdb

from dwell.config import ROOT
from dwell.dbt.vars import Settings
from dwell.exceptions import CorruptFileError

# {ending: the module that opens such a file}, imported where there is such a file
MODULES = {
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


def validate_compressed_files(settings: Settings, database: Path) -> None:
    """Raise CorruptFileError if a file that is about to be loaded is not intact.

    Only local files are validated, except those that are loaded and have the same size as then.
    """
    for name in ("events_path", "heartbeats_path"):
        for path in find_compressed_files(settings.get(name), database):
            if not is_intact(path):
                raise CorruptFileError(
                    f"{path} is truncated, is corrupt, or is not compressed as its name suggests. "
                    f"Replace it with an intact file, or remove it from {name}."
                )


def find_compressed_files(paths: object, database: Path) -> list[str]:
    """Return the files among paths and globs that are compressed, and that no run has loaded.

    A path that does not begin with / is relative to the project's folder, as for dbt.
    """
    listed = paths if isinstance(paths, list) else [paths]
    globs = [path for path in listed if isinstance(path, str) and "://" not in path]
    sizes = {
        file if Path(path).is_absolute() else file.removeprefix(f"{ROOT}/"): Path(file)
        .stat()
        .st_size
        for path in globs
        for (file,) in duckdb.execute("select file from glob(?)", [str(ROOT / path)]).fetchall()
        if Path(file).suffix.lower() in MODULES
    }
    return [file for file, size in sizes.items() - list_loaded(database)] if sizes else []


def list_loaded(database: Path) -> set[tuple[str, int]]:
    """Return name and size of the files that runs have loaded; none if the database has no list."""
    if not database.exists():
        return set()
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            return set(connection.execute(LOADED).fetchall())
    except duckdb.Error:
        return set()


def is_intact(path: str) -> bool:
    """Whether a compressed file has its end, and the checksum that it should have."""
    module: Any = importlib.import_module(MODULES[Path(path).suffix.lower()])
    corrupt = getattr(module, "ZstdError", zlib.error)
    try:
        with module.open(ROOT / path) as file:
            while file.read(MEGABYTE):
                pass
    except (EOFError, OSError, corrupt):
        return False
    return True
