"""Embeds the pictures of the docs in the file that `dbt docs generate --static` writes."""

import base64
import re
from pathlib import Path

from dwell.config import ROOT

PAGE = ROOT / "target" / "static_index.html"
# ![description](file), as it is in JSON; dbt's pages show HTML as text. Pages in
# docs/explanation name a picture as ../../docs/..., which GitHub and `dbt docs serve` resolve.
# https: and data: are no files.
PICTURE = re.compile(r"(!\[[^\]]*\]\()(?![a-z]+:)([^)\s\\]+\.(?:svg|png))")
TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


def embed_pictures_in_docs() -> None:
    """Embed the pictures in the file that make docs has written."""
    page = embed_pictures(PAGE.read_text(encoding="utf-8"), ROOT / "docs" / "explanation")
    PAGE.write_text(page, encoding="utf-8")


def embed_pictures(page: str, folder: Path) -> str:
    """Return a page with its pictures, whose paths are relative to a folder, as data: URLs."""

    def embed(found: re.Match[str]) -> str:
        path = folder / found[2]
        data = base64.b64encode(path.read_bytes()).decode()
        return f"{found[1]}data:{TYPES[path.suffix]};base64,{data}"

    return PICTURE.sub(embed, page)
