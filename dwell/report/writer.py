"""`dwell report`: writes the answers and the numbers behind them as one HTML file."""

import os
import webbrowser
from datetime import UTC, datetime
from pathlib import Path

from dwell import config
from dwell.exceptions import OutputError
from dwell.report.database import open_build
from dwell.report.page import render_page
from dwell.runtime.atomic_file import replace_file
from dwell.runtime.terminal import escape


def write_report(*, database: str | None, output: str, is_opened: bool) -> None:
    """Write the page of the last build."""
    source, path = Path(config.database(database)), Path(output)
    with open_build(str(source), "page of") as connection:
        connection.execute("set enable_progress_bar = false")
        built_at = datetime.fromtimestamp(source.stat().st_mtime, UTC)
        html = render_page(connection, source.name, built_at, datetime.now(UTC))
    # a browser loads the previous page or this one, never a part
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        hidden.write_text(html, encoding="utf-8")
        replace_file(hidden, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error
    print(f"{escape(path)} ({len(html.encode()) / 1000:,.0f} kB)")
    if is_opened:
        webbrowser.open(path.resolve().as_uri())
