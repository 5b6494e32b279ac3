"""Commands between Kafka and the database: ingest, listen, validate, compact, end-offsets, ..."""

from pathlib import Path
from typing import Any

import click

from dwell.cli import options
from dwell.cli.command import Command, LoggingCommand


@click.command(cls=LoggingCommand)
@options.consuming
@click.option(
    "--share",
    type=options.ShareOfPartitions(),
    default="1/1",
    metavar="I/N",
    help="Read the I-th of N shares of the partitions, for several processes (default: all).",
)
def ingest(**arguments: Any) -> None:
    """Land a Kafka topic's heartbeats as files."""
    from dwell.landing.ingest import ingest

    ingest(**arguments)


@click.command(cls=LoggingCommand)
@options.consuming
@click.option(
    "--consumers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that consume.",
)
@options.settings
@click.option("--publish-topic", metavar="TOPIC", help="Publish ended streams to a Kafka topic.")
@click.option(
    "--publish-folder",
    type=options.FOLDER,
    metavar="FOLDER",
    help="Publish them as JSON-lines files, one per batch.",
)
@click.option(
    "--publish-name",
    metavar="NAME",
    default="dwell-watch",
    show_default=True,
    help="Transactional id of what is published to a topic, and key of its position in "
    "TOPIC-positions.",
)
@click.option(
    "--ledger",
    type=options.FILE,
    metavar="FILE",
    help="The ledger of what was published (default: next to the database).",
)
@click.option(
    "--grace",
    type=options.Number(0),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How much longer than the timeout to wait for late heartbeats before a stream is "
    "published.",
)
@click.option(
    "--max-messages-per-step",
    type=click.IntRange(1),
    default=5_000_000,
    show_default=True,
    metavar="N",
    help="Load at most this many messages in a step, the oldest first, but at least one landing "
    "file. A million take about 0.13 GB of memory.",
)
@click.option(
    "--read-copy",
    type=options.FOLDER,
    metavar="FOLDER",
    help="Keep copies of database and ledger there, under their names, for others to read without "
    "delaying this process (default: none).",
)
@click.option(
    "--read-copy-every",
    type=options.Number(1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How often to replace the copies, if anything has changed.",
)
@options.circuit_breaker
@options.keep_days
@options.lock_timeout
def listen(**arguments: Any) -> int:
    """Land heartbeats, compute their streams, publish those that end, and repeat."""
    from dwell.streaming.listen import listen

    return listen(**arguments)


@click.command(cls=LoggingCommand)
@options.landing
@click.option(
    "--schema",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="JSON Schema of a message (default: schemas/heartbeat.schema.json).",
)
@click.option(
    "--max-share",
    type=options.RATIO,
    default=0.05,
    show_default=True,
    metavar="SHARE",
    help="Fail if more than this share of the new messages, and at least 10 of them, do not match.",
)
@options.lock_timeout
def validate(**arguments: Any) -> int:
    """Validate messages that have landed and are not loaded against their schema."""
    from dwell.landing.validation import validate

    return validate(**arguments)


@click.command("end-offsets", cls=Command)
@options.kafka
@options.topic
def end_offsets(**arguments: Any) -> None:
    """Print the end offsets of a Kafka topic."""
    from dwell.kafka.end_offsets import print_end_offsets

    print_end_offsets(**arguments)


@click.command(cls=LoggingCommand)
@options.kafka
@options.topic
@options.landing
@click.option(
    "--end-offsets",
    type=options.EndOffsets(),
    metavar="JSON",
    help="What must be loaded, as `dwell end-offsets` printed it before the topic was landed. "
    "Later messages are counted, and are no error (default: the end offsets now).",
)
@click.option(
    "--warehouse",
    type=click.Choice(options.WAREHOUSES),
    help="Also reconcile the table that `dwell load` loads (default: none).",
)
@click.option(
    "--table", default="watch_streams", show_default=True, metavar="NAME", help="Its name."
)
@options.shard
@click.option(
    "--full",
    is_flag=True,
    help="Compare all days of the table, and not only those that changed since they were last "
    "equal.",
)
@click.option(
    "--sparse",
    is_flag=True,
    help="The topic is compacted or written by transactions, so that some offsets have no message.",
)
@options.lock_timeout
def reconcile(**arguments: Any) -> None:
    """Account for each offset: Kafka, landed, loaded, streams, table."""
    from dwell.streaming.reconcile import reconcile

    reconcile(**arguments)


@click.command(cls=LoggingCommand)
@options.landing
@options.keep_days
@options.lock_timeout
def compact(**arguments: Any) -> None:
    """Merge landing files that are loaded, and remove old ones."""
    from dwell.landing.compact import compact

    compact(**arguments)
