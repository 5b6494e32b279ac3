"""A folder holds about a dozen things, so that one look is enough."""

import subprocess
from collections import defaultdict
from pathlib import PurePosixPath

from support.project import ROOT

A_DOZEN = 12
# folders that hold more, and why
EXCEPTIONS = {
    ".": "tools look for their settings here",
    "docs/adr": "decisions are numbered, and README.md lists them",
    "requirements": "a list of packages for each environment",
    "tests/engines": "files of all engines, and of one each",
}


def folders():
    """Return {folder: names of its files}; a model and its description have one name."""
    paths = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    found = defaultdict(set)
    for path in map(PurePosixPath, paths):
        found[str(path.parent)].add(path.name if path.name.startswith(".") else path.stem)
    return found


def test_a_folder_holds_at_most_a_dozen_files():
    too_many = {folder for folder, names in folders().items() if len(names) > A_DOZEN}
    assert too_many <= EXCEPTIONS.keys(), "split these folders"
    assert EXCEPTIONS.keys() <= too_many, "these are no exceptions any more"
