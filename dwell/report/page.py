"""The page: what dwell has found out, in one HTML file that needs no network."""

import base64
import gzip
import hashlib
import json
from datetime import datetime
from pathlib import Path

import duckdb
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dwell.report import formatting
from dwell.report.figure import Part
from dwell.report.marts import Marts
from dwell.report.sections.activity import activity
from dwell.report.sections.quality import quality, sources
from dwell.report.sections.sessions import sessions
from dwell.report.sections.summary import answers, span
from dwell.report.sections.timeout import timeout
from dwell.report.sections.watching import watching

TEMPLATES = Path(__file__).with_name("templates")
VEGA_LITE = "6.4"


def page(
    connection: duckdb.DuckDBPyConnection, database: str, built_at: datetime, now: datetime
) -> str:
    """Return the page of a database that was last written at a time (both times in UTC)."""
    marts = Marts(connection)
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    parts = parts_of(marts)
    script = (TEMPLATES / "page.js").read_text()
    return templates.get_template("page.html").render(
        style=(TEMPLATES / "page.css").read_text(),
        script=script,
        script_hash=hashed(script),
        library=library() if parts else None,
        answers=answers(marts),
        parts=parts,
        span=span(marts),
        sources=sources(marts),
        settings=[
            (inputs, settings)
            for inputs in ("events", "heartbeats")
            if marts.has(inputs) and (settings := told(marts.settings(inputs)))
        ],
        database=formatting.name(database),
        built_at=built_at,
        made_at=now,
        moment=formatting.moment,
    )


def parts_of(marts: Marts) -> list[Part]:
    """Return the parts of the page for which there is data."""
    parts = []
    if marts.has("events"):
        parts += [activity(marts), sessions(marts), timeout(marts)]
    if marts.has("heartbeats"):
        parts.append(watching(marts))
    if parts:
        parts.append(quality(marts))
    return [part for part in parts if part.figures or part.tiles]


def told(settings: dict) -> list[tuple[str, str]]:
    """Return settings as text."""
    return [
        (name, formatting.name(in_words(value), 400)) for name, value in sorted(settings.items())
    ]


def in_words(value) -> str:
    """Return the value of a setting as text."""
    if value is None or value == [] or value == {}:
        return formatting.NONE
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def library() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, packed: a third of its 900 kB."""
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    return base64.b64encode(gzip.compress(script.encode(), mtime=0)).decode()


def hashed(script: str) -> str:
    """Return the hash by which a browser knows the one script that may run."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
