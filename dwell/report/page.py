"""Renders the page: the results of a build, in one HTML file that needs no network."""

import base64
import gzip
import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dwell.report import formatting
from dwell.report.figure import Part
from dwell.report.marts import Marts, Row
from dwell.report.sections.activity import make_activity
from dwell.report.sections.quality import list_sources, make_quality
from dwell.report.sections.sessions import make_sessions
from dwell.report.sections.summary import describe_span, make_answers
from dwell.report.sections.timeout import make_timeout
from dwell.report.sections.watching import make_watching

TEMPLATES = Path(__file__).with_name("templates")
VEGA_LITE = "6.4"


def render_page(
    connection: duckdb.DuckDBPyConnection, database: str, built_at: datetime, now: datetime
) -> str:
    """Return the page of a database that was last written at `built_at`; both times are in UTC."""
    marts = Marts(connection)
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    parts = make_parts(marts)
    script = (TEMPLATES / "page.js").read_text()
    return templates.get_template("page.html").render(
        style=(TEMPLATES / "page.css").read_text(),
        script=script,
        script_hash=hash_script(script),
        library=pack_library() if parts else None,
        answers=make_answers(marts),
        parts=parts,
        span=describe_span(marts),
        sources=list_sources(marts),
        settings=[
            (inputs, settings)
            for inputs in ("events", "heartbeats")
            if marts.has(inputs) and (settings := format_settings(marts.settings(inputs)))
        ],
        database=formatting.name(database),
        built_at=built_at,
        made_at=now,
        moment=formatting.moment,
    )


def make_parts(marts: Marts) -> list[Part]:
    """Return the parts of the page for which there is data."""
    parts = []
    if marts.has("events"):
        parts += [make_activity(marts), make_sessions(marts), make_timeout(marts)]
    if marts.has("heartbeats"):
        parts.append(make_watching(marts))
    if parts:
        parts.append(make_quality(marts))
    return [part for part in parts if part.figures or part.tiles]


def format_settings(settings: Row) -> list[tuple[str, str]]:
    """Return settings as text."""
    return [
        (name, formatting.name(format_value(value), 400))
        for name, value in sorted(settings.items())
    ]


def format_value(value: Any) -> str:
    """Return the value of a setting as text."""
    if value is None or value == [] or value == {}:
        return formatting.NONE
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def pack_library() -> str:
    """Return Vega, Vega-Lite, and Vega-Embed as one compressed script: a third of its 900 kB."""
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    return base64.b64encode(gzip.compress(script.encode(), mtime=0)).decode()


def hash_script(script: str) -> str:
    """Return the hash by which a browser identifies the only script that may run."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
