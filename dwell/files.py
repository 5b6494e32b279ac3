"""Files that are there whole or not at all, and last."""

import os
from pathlib import Path


def put_in_place(hidden: Path, path: Path) -> Path:
    """Give a file its name once all of it is on disk."""
    with hidden.open("rb") as file:
        os.fsync(file.fileno())
    hidden.rename(path)
    sync_folder(path.parent)
    return path


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
