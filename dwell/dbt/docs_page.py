"""Puts the pictures of the pages into the one file that `dbt docs generate --static` writes."""

import base64
import re
from pathlib import Path

from dwell.config import ROOT
from dwell.runtime.terminal import print_error

PAGE = ROOT / "target" / "static_index.html"
# ![what it shows](file), as JSON holds it; dbt's pages show HTML as text. Pages in
# docs/explanation name a picture as ../../docs/..., which GitHub and `dbt docs serve` resolve.
# https: and data: name no file.
PICTURE = re.compile(r"(!\[[^\]]*\]\()(?![a-z]+:)([^)\s\\]+\.(?:svg|png))")
TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


def with_pictures(page: str, folder: Path) -> str:
    """Return a page that stood in a folder, with its relative pictures in it."""

    def in_place(found: re.Match) -> str:
        path = folder / found[2]
        data = base64.b64encode(path.read_bytes()).decode()
        return f"{found[1]}data:{TYPES[path.suffix]};base64,{data}"

    return PICTURE.sub(in_place, page)


def main(_=None) -> int:
    """Do it to the page that make docs has written."""
    try:
        page = with_pictures(PAGE.read_text(encoding="utf-8"), ROOT / "docs" / "explanation")
        PAGE.write_text(page, encoding="utf-8")
    except OSError as error:
        print_error(error)
        return 1
    return 0
