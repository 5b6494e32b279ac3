"""Write the page: the answers and what they rest on, in one HTML file."""

import argparse
import os
import webbrowser
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from dwell.config import database
from dwell.report.answers import why_not
from dwell.report.page import page
from dwell.runtime.atomic_file import replace_file
from dwell.runtime.terminal import escape, print_error


def main(arguments: argparse.Namespace) -> int:
    """Write the page of the last build. 1 if there is none, or the page cannot be written."""
    source, output = Path(database(arguments.database)), Path(arguments.output)
    try:
        with duckdb.connect(str(source), read_only=True) as connection:
            connection.execute("set enable_progress_bar = false")
            built_at = datetime.fromtimestamp(source.stat().st_mtime, UTC)
            html = page(connection, source.name, built_at, datetime.now(UTC))
    except duckdb.Error as error:
        print_error(f"no page of {source}: {why_not(error)}")
        return 1
    # a reader sees the page before or this one, never a part
    beside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        beside.write_text(html, encoding="utf-8")
        replace_file(beside, output)
    except OSError as error:
        print_error(f"{output} cannot be written: {error.strerror}")
        return 1
    print(f"{escape(output)} ({len(html.encode()) / 1000:,.0f} kB)")
    if arguments.open:
        webbrowser.open(output.resolve().as_uri())
    return 0
