"""Every command: what it does, what it takes, and where it is.

Options stand here, apart from the commands, so that they can be told and completed without what a
command needs: Kafka's client need not be there.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from dwell.cli import options
from dwell.sample.heartbeats import PEAK, Plan, write_time

WAREHOUSES = ("postgres", "bigquery", "snowflake", "redshift")
SHELLS = ("bash", "zsh", "tcsh")


class Command(NamedTuple):
    """A command: its module, which has main(arguments); what it does; what adds its options."""

    module: str
    does: str
    add_options: Callable[[argparse.ArgumentParser], None] = lambda parser: None


def add_build(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dwell build`."""
    parser.add_argument(
        "--events",
        nargs="+",
        metavar="PATH",
        help="one's own events: files, globs, s3:// or https:// (default: EVENTS of the "
        "environment, else the sample)",
    )
    options.add_vars(parser)
    options.add_database(parser, "to build")
    parser.add_argument(
        "--full-refresh",
        action="store_true",
        help="make dwell's tables anew; others in the file stay",
    )
    for name, does in (
        ("select", "build and test these only, as dbt build --select"),
        ("exclude", "leave these out, as dbt build --exclude"),
    ):
        parser.add_argument(f"--{name}", nargs="+", metavar="NODE", help=does)
    parser.add_argument(
        "--selector", metavar="NAME", help="build what a selector of selectors.yml names"
    )
    parser.add_argument(
        "--target",
        metavar="NAME",
        help="a target of profiles.yml that is one DuckDB file: duckdb, s3 (default: duckdb)",
    )


def add_answers(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dwell answers`."""
    options.add_database(parser, "to read")
    parser.add_argument("--json", action="store_true", help="print them as one JSON object")


def add_report(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dwell report`."""
    options.add_database(parser, "to read")
    parser.add_argument(
        "--output",
        metavar="FILE",
        default="report.html",
        help="where to write it (default: report.html)",
    )
    parser.add_argument("--open", action="store_true", help="open it in the browser")


def add_completion(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dwell completion`."""
    parser.add_argument("shell", choices=SHELLS, help="whose script to print")


def add_simulate(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dwell simulate`."""
    default = Plan()

    def option(name, kind, text, **more):
        value = getattr(default, name.replace("-", "_"))
        told = f"{text} (default: {value})"
        parser.add_argument(f"--{name}", type=kind, default=value, help=told, **more)

    parser.add_argument(
        "--format",
        choices=("jsonl", "csv"),
        default="jsonl",
        help="jsonl: a payload a line, in the order of arrival, and for an empty payload an empty "
        "line, which is no row; csv: the six fields and "
        "received_at, without the messages that no CSV can show (default: jsonl)",
    )
    parser.add_argument(
        "--output", default="-", metavar="FILE", help="where to write; - is stdout (default: -)"
    )
    parser.add_argument(
        "--topic",
        help="send them to this Kafka topic, each with its time of receipt, instead of writing a "
        "file (needs make kafka)",
    )
    parser.add_argument(
        "--partitions",
        type=options.at_least(1, int),
        default=4,
        metavar="N",
        help="of the topic, which is made if it is not there (default: 4)",
    )
    options.add_kafka(parser)
    parser.add_argument(
        "--rate", type=options.positive, metavar="N", help="send at most so many messages a second"
    )
    parser.add_argument(
        "--speed",
        type=options.positive,
        metavar="N",
        help="send them as they happen, N simulated seconds in a second (default: at once)",
    )
    parser.add_argument("--truth", metavar="FILE", help="where to write the true streams, as CSV")
    option("seed", int, "the same options and seed give the same bytes", metavar="N")
    option("viewers", int, "how many viewers come, beside those of the edge cases", metavar="N")
    option("programs", int, "how many programs there are to choose from", metavar="N")
    option("minutes", int, "how long it lasts; late heartbeats arrive after it", metavar="N")
    parser.add_argument(
        "--start",
        type=options.moment,
        default=default.start,
        metavar="TIME",
        help="when it begins: now, or ISO 8601, UTC without a zone; the hour tells how busy it is "
        f"(default: {write_time(default.start)}, a busy evening)",
    )
    parser.add_argument(
        "--peak",
        action="store_true",
        help=f"begin at a peak: half of the viewers come in the first {PEAK} minutes",
    )
    option("pause", float, "share of viewings with pauses, short or long", metavar="SHARE")
    option("late", float, "share of viewings with heartbeats that come late", metavar="SHARE")
    option("double", float, "share of heartbeats that are sent twice", metavar="SHARE")
    option("broken", float, "broken messages, as a share of heartbeats", metavar="SHARE")
    option("wrong-clocks", int, "viewers with a clock that is years ahead", metavar="N")


def add_ingest(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dwell ingest`."""
    options.add_reading(parser)
    parser.add_argument(
        "--share",
        type=options.one_of,
        default=(0, 1),
        metavar="I/N",
        help="read the I-th of N shares of the partitions, for several processes side by side",
    )


def add_watch(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dwell watch`."""
    options.add_reading(parser)
    parser.add_argument(
        "--readers",
        type=options.at_least(1, int),
        default=1,
        metavar="N",
        help="processes that read (default: 1)",
    )
    options.add_vars(parser)
    parser.add_argument(
        "--publish-topic", metavar="TOPIC", help="tell ended streams to a Kafka topic"
    )
    parser.add_argument(
        "--publish-folder", metavar="FOLDER", help="tell them in JSON-lines files, one a batch"
    )
    parser.add_argument(
        "--publish-name",
        metavar="NAME",
        default="dwell-watch",
        help="transactional id of what is told to a topic, and key of its position in "
        "TOPIC-positions (default: dwell-watch)",
    )
    parser.add_argument(
        "--ledger", metavar="FILE", help="what was told (default: beside the database)"
    )
    parser.add_argument(
        "--grace",
        type=options.at_least(0),
        default=5.0,
        metavar="SECONDS",
        help="how much longer than the timeout to wait for late heartbeats before a stream is told "
        "(default: 5)",
    )
    parser.add_argument(
        "--max-messages-per-step",
        type=options.at_least(1, int),
        default=5_000_000,
        metavar="N",
        help="load at most so many messages in a step, the oldest first, but at least one landing "
        "file; a million take about 0.13 GB of memory (default: 5000000)",
    )
    parser.add_argument(
        "--read-copy",
        metavar="FOLDER",
        help="keep copies of database and ledger there, under their names, for others to read "
        "without holding this up (default: none)",
    )
    parser.add_argument(
        "--read-copy-every",
        type=options.at_least(1),
        default=60.0,
        metavar="SECONDS",
        help="how often to replace them, if anything has changed (default: 60)",
    )
    options.add_circuit_breaker(parser)
    options.add_keeping(parser)
    options.add_lock_timeout(parser)


def add_check(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dwell check`."""
    options.add_landing(parser)
    parser.add_argument(
        "--schema",
        type=Path,
        metavar="FILE",
        help="JSON Schema of a message (default: schemas/heartbeat.schema.json)",
    )
    parser.add_argument(
        "--max-share",
        type=options.share,
        default=0.05,
        metavar="SHARE",
        help="say no if more than this share of the new messages does not fit, and 10 of them "
        "at least (default: 0.05)",
    )
    options.add_lock_timeout(parser)


def add_load(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dwell load`."""
    parser.add_argument(
        "kind", choices=WAREHOUSES, help="the warehouse; docs/how-to/load.md tells who I am"
    )
    parser.add_argument(
        "--table",
        metavar="NAME",
        help="as in analytics.watch_streams (default: watch_streams, with --mode append "
        "watch_stream_history)",
    )
    add_shard(parser)
    parser.add_argument(
        "--mode",
        choices=("merge", "append", "overwrite"),
        default="merge",
        help="merge: one row a stream, corrected in place; append: every revision, for audit; "
        "overwrite: whole days are replaced (default: merge)",
    )
    parser.add_argument(
        "--from",
        dest="first",
        metavar="DAY",
        type=options.day,
        help="with --mode overwrite or --check, the first day of began_at (default: all)",
    )
    parser.add_argument(
        "--to", dest="last", metavar="DAY", type=options.day, help="and the last, which is included"
    )
    parser.add_argument(
        "--ledger", metavar="FILE", help="what was loaded (default: beside the database)"
    )
    parser.add_argument(
        "--adopt",
        action="store_true",
        help="make the ledger anew from the table first: where it was lost, or does not fit",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="load nothing; compare streams, heartbeats and seconds of each day with "
        "fct_watch_streams",
    )
    options.add_lock_timeout(parser)


def add_shard(parser: argparse.ArgumentParser) -> None:
    """Add the option that says which rows of a table are this database's."""
    parser.add_argument(
        "--shard",
        default="main",
        metavar="NAME",
        help="where several databases load into one table, the name of this one's rows (default: "
        "main)",
    )


def add_ends(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dwell ends`."""
    options.add_kafka(parser)
    options.add_topic(parser)


def add_reconcile(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dwell reconcile`."""
    options.add_kafka(parser)
    options.add_topic(parser)
    options.add_landing(parser)
    parser.add_argument(
        "--ends",
        type=options.ends,
        metavar="JSON",
        help="what must be loaded, as `dwell ends` printed it before the topic was landed; what "
        "came later is told, and is no fault (default: where the topic ends now)",
    )
    parser.add_argument(
        "--warehouse",
        choices=WAREHOUSES,
        help="also the table that `dwell load` loads (default: none)",
    )
    parser.add_argument(
        "--table",
        default="watch_streams",
        metavar="NAME",
        help="its name (default: watch_streams)",
    )
    add_shard(parser)
    parser.add_argument(
        "--full",
        action="store_true",
        help="compare all days of the table, and not only those that changed since they were equal "
        "the last time",
    )
    parser.add_argument(
        "--sparse",
        action="store_true",
        help="the topic is compacted or written by transactions, so that some offsets have no "
        "message",
    )
    options.add_lock_timeout(parser)


def add_tidy(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dwell tidy`."""
    options.add_landing(parser)
    options.add_keeping(parser)
    options.add_lock_timeout(parser)


COMMANDS = {
    "build": Command(
        "build.builder",
        "build everything beside the database, test it, and put it in place if all is well",
        add_build,
    ),
    "answers": Command("report.answers", "print the four answers of the last build", add_answers),
    "report": Command(
        "report.writer", "write the answers and their charts as one HTML page", add_report
    ),
    "vars": Command("dbt.vars", "print EVENTS and VARS of the environment as dbt's --vars"),
    "docs": Command(
        "dbt.docs_page", "put the pictures into the documentation that make docs writes"
    ),
    "simulate": Command(
        "sample.simulate", "write heartbeats of viewers, and the true streams", add_simulate
    ),
    "ingest": Command("landing.ingest", "land a Kafka topic's heartbeats as files", add_ingest),
    "watch": Command(
        "streaming.listener",
        "land heartbeats, make streams of them, publish those that end; and again",
        add_watch,
    ),
    "check": Command(
        "landing.validation",
        "hold messages that have landed, and are not loaded, against their schema",
        add_check,
    ),
    "load": Command("warehouses.load", "bring ended streams into a table of a warehouse", add_load),
    "ends": Command("kafka.end_offsets", "print where a Kafka topic ends now", add_ends),
    "reconcile": Command(
        "streaming.reconciliation",
        "account for each offset: Kafka, landed, loaded, streams, table",
        add_reconcile,
    ),
    "tidy": Command(
        "landing.compaction",
        "put landing files that are loaded together, and remove old ones",
        add_tidy,
    ),
    "completion": Command(
        "cli.completion", "print a script that completes dwell's words in a shell", add_completion
    ),
}
