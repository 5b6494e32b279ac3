"""Files that appear complete or not at all, and survive a crash."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# where a file system shares blocks between files, a copy costs nothing
SHARING_BLOCKS = {"linux": ["--reflink=auto"], "darwin": ["-c"]}


def copy_file(source: Path, copy: Path, pass_fds: Sequence[int] = ()) -> None:
    """Copy a file in another process: this process keeps its locks on the file."""
    done = subprocess.run(
        ["cp", *SHARING_BLOCKS.get(sys.platform, []), str(source), str(copy)],
        pass_fds=pass_fds,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise OSError(f"{source} cannot be copied: {done.stderr.strip()}")


def replace_file(hidden: Path, path: Path) -> Path:
    """Give a file its name once all of it is on disk; no more users may read it than before."""
    with hidden.open("rb") as file:
        os.fsync(file.fileno())
    if path.exists():
        hidden.chmod(hidden.stat().st_mode & path.stat().st_mode & 0o777)
    hidden.rename(path)
    sync_folder(path.parent)
    return path


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
