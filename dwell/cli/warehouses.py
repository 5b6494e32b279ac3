"""The command that loads a warehouse."""

from typing import Any

import click

from dwell.cli import options
from dwell.cli.command import LoggingCommand


@click.command(cls=LoggingCommand)
@click.argument("warehouse", type=click.Choice(options.WAREHOUSES), metavar="WAREHOUSE")
@click.option(
    "--table",
    metavar="NAME",
    help="As in analytics.watch_streams (default: watch_streams, with --mode append "
    "watch_stream_history).",
)
@options.shard
@click.option(
    "--mode",
    type=click.Choice(("merge", "append", "overwrite")),
    default="merge",
    show_default=True,
    help="merge: one row per stream, which corrections replace; append: every revision, for audit; "
    "overwrite: days are replaced.",
)
@click.option(
    "--from",
    "from_day",
    type=options.Day(),
    metavar="DAY",
    help="With --mode overwrite or --check, the first day of began_at (default: all).",
)
@click.option(
    "--to", "to_day", type=options.Day(), metavar="DAY", help="The last day, which is included."
)
@click.option(
    "--ledger",
    type=options.FILE,
    metavar="FILE",
    help="The ledger of what was loaded (default: next to the database).",
)
@click.option(
    "--adopt",
    is_flag=True,
    help="Rebuild the ledger from the table first: if it was lost, or does not match.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Load nothing; compare streams, heartbeats, and seconds of each day with "
    "fct_watch_streams.",
)
@options.lock_timeout
def load(**arguments: Any) -> int:
    """Load ended streams into a table of a warehouse: postgres, bigquery, snowflake, redshift."""
    from dwell.warehouses.load import load

    return load(**arguments)
