"""Commands around a build: build, answers, report, and those that make uses."""

from typing import Any

import click

from dwell.cli import options
from dwell.cli.command import Command
from dwell.cli.options import ManyValues


@click.command(cls=Command)
@click.option(
    "--events",
    cls=ManyValues,
    type=click.Path(),
    metavar="PATH",
    help="Your own events: files, globs, s3:// or https:// (default: EVENTS of the environment, "
    "else the sample).",
)
@options.settings
@options.database("to build")
@click.option(
    "--full-refresh",
    is_flag=True,
    help="Rebuild dwell's tables from scratch; other tables in the file stay.",
)
@click.option(
    "--select",
    cls=ManyValues,
    metavar="NODE",
    help="Build and test only these, as dbt build --select.",
)
@click.option(
    "--exclude", cls=ManyValues, metavar="NODE", help="Leave these out, as dbt build --exclude."
)
@click.option("--selector", metavar="NAME", help="Build what a selector of selectors.yml names.")
@click.option(
    "--target",
    metavar="NAME",
    help="A target of profiles.yml that is one DuckDB file: duckdb, s3 (default: duckdb).",
)
def build(**arguments: Any) -> None:
    """Build a copy of the database, test it, and replace the database if every test passes."""
    from dwell.build.builder import build_database

    build_database(**arguments)


@click.command(cls=Command)
@options.database("to read")
@click.option("--json", "is_json", is_flag=True, help="Print them as one JSON object.")
def answers(**arguments: Any) -> None:
    """Print the four answers of the last build."""
    from dwell.report.answers import print_answers

    print_answers(**arguments)


@click.command(cls=Command)
@options.database("to read")
@click.option(
    "--output",
    type=options.FILE,
    metavar="FILE",
    default="report.html",
    show_default=True,
    help="Where to write it.",
)
@click.option("--open", "is_opened", is_flag=True, help="Open it in the browser.")
def report(**arguments: Any) -> None:
    """Write the answers and their charts as one HTML page."""
    from dwell.report.writer import write_report

    write_report(**arguments)


@click.command(cls=Command)
def vars() -> None:
    """Print EVENTS and VARS of the environment as dbt's --vars."""
    from dwell.dbt.vars import print_vars

    print_vars()


@click.command(cls=Command)
def docs() -> None:
    """Put the pictures into the documentation that make docs writes."""
    from dwell.dbt.docs_page import embed_pictures_in_docs

    embed_pictures_in_docs()
