"""The pictures of the documentation: there, as drawn, and in the one file that is mailed."""

import base64
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
from support import project
from support.project import ROOT, Project

from dwell.dbt import runner
from dwell.dbt.docs_page import embed_pictures

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
PICTURES = sorted((ROOT / "docs" / "architecture").glob("*.svg"))
NAMED = re.compile(r"!\[[^\]]*\]\(([^)\s]+\.\w+)|<img\s[^>]*?src=[\"']([^\"']+\.\w+)[\"']")


def named(text):
    """Return the pictures that a text names and that are files of ours."""
    found = [markdown or html for markdown, html in NAMED.findall(text)]
    return [name for name in found if not re.match("[a-z]+:", name)]


def test_every_picture_that_a_page_names_is_there():
    pictures = [(page, name) for page in PAGES for name in named(page.read_text())]
    assert pictures
    for page, name in pictures:
        assert (page.parent / name).is_file(), f"{page.name}: {name}"


def test_pages_of_dbt_name_pictures_as_dbt_and_github_take_them():
    for page in PAGES:
        text = page.read_text()
        if "{% docs" in text:
            assert "<img" not in text, f"{page.name}: dbt shows HTML as text"
            assert all(name.startswith("../../docs/") for name in named(text)), page.name


def test_the_one_file_has_every_picture_in_it(tmp_path, monkeypatch):
    # dbt makes the one file of the JSON files that it writes, one of them when it parses
    monkeypatch.setattr(project, "MANIFESTS", {})
    monkeypatch.setattr(
        runner, "QUIET", [word for word in runner.QUIET if word != "--no-write-json"]
    )
    Project(tmp_path).run("docs", "generate", "--static", "--empty-catalog", "--no-compile")
    page = (tmp_path / "target" / "static_index.html").read_text()
    assert "](../../docs/architecture/" in page

    page = embed_pictures(page, ROOT / "docs" / "explanation")

    assert named(page) == []
    held = re.findall(r"\]\(data:image/svg\+xml;base64,([\w+/=]+)", page)
    assert {base64.b64decode(picture) for picture in held} == {
        (page.parent / name).read_bytes()
        for page in (ROOT / "docs").rglob("*.md")
        if "{% docs" in page.read_text()
        for name in named(page.read_text())
    }


def test_a_missing_picture_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        embed_pictures("![a picture](missing.svg)", tmp_path)
    elsewhere = "![a badge](https://example.org/badge.svg) ![](data:image/png;base64,AA.png)"
    assert embed_pictures(elsewhere, tmp_path) == elsewhere


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_at_most_900_wide_has_text_and_needs_nothing_else(path):
    picture = ET.parse(path).getroot()
    width = picture.get("width")
    # a point of Graphviz is 4/3 of a pixel
    assert float(width.removesuffix("pt")) * (4 / 3 if width.endswith("pt") else 1) <= 900
    assert "http" not in path.read_text().replace("http://www.w3.org/", "")
    assert next(picture.iter("{http://www.w3.org/2000/svg}text")).text


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")
@pytest.mark.parametrize(
    "source", sorted((ROOT / "docs" / "architecture").glob("*.dot")), ids=lambda path: path.name
)
def test_the_same_graphviz_draws_the_same_picture(source):
    printed = subprocess.run(["dot", "-V"], capture_output=True, text=True, check=True).stderr
    version = re.search(r"version (\S+)", printed)[1]
    stored = source.with_suffix(".svg").read_text()
    if f"version {version} " not in stored or not is_font_there():
        pytest.skip("drawn by another Graphviz, or with another font")
    drawn = subprocess.run(["dot", "-Tsvg", source], capture_output=True, text=True, check=True)
    assert drawn.stdout == stored


def is_font_there():
    """Whether Arial, or Liberation Sans, which is as wide, is what text is measured with."""
    if not shutil.which("fc-match"):
        return False
    font = subprocess.run(["fc-match", "Arial"], capture_output=True, text=True, check=True).stdout
    return "Arial" in font or "Liberation Sans" in font
