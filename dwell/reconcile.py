"""`dwell reconcile`: account for each offset of a topic, from Kafka to the streams and the table.

Each step is held against the one before it, by numbers that the two do not share: what Kafka has,
what is in the landing files, what the models say became of it, the streams, and the table that was
loaded from them. Messages that have come since the run began are told, and are no fault.
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import duckdb

from dwell import answers, kafka, log, options
from dwell.ends import Topic
from dwell.kafka import KafkaTrouble, WrongUsage
from dwell.landing import Landing
from dwell.patience import patiently


class Report:
    """Lines for whoever reads along, and sentences about what differs."""

    def __init__(self):
        self.lines: list[str] = []
        self.faults: list[str] = []

    def tell(self, what: str, line: str) -> None:
        """Add a line."""
        self.lines.append(f"{what:<10} {line}")

    def check(self, holds: bool, sentence: str) -> None:
        """Add a sentence, if something does not hold."""
        if not holds:
            self.faults.append(sentence)


class Stretch(NamedTuple):
    """Offsets from `first` to before `end`."""

    first: int
    end: int


def gaps(whole: Stretch, parts: Iterable[Stretch]) -> list[Stretch]:
    """Return what of a stretch is in none of the parts."""
    found, reached = [], whole.first
    for part in sorted(parts):
        if part.first > reached:
            found.append(Stretch(reached, min(part.first, whole.end)))
        reached = max(reached, part.end)
        if reached >= whole.end:
            return found
    return [*found, Stretch(reached, whole.end)] if reached < whole.end else found


def reconcile_offsets(report: Report, topic: Topic, ends: dict[int, int] | None, loaded: dict):
    """Hold what is loaded, {partition: [Stretch]}, against what Kafka has."""
    bounds = topic.bounds()
    now = {partition: end for partition, (_, end) in bounds.items()}
    ends = now if ends is None else ends
    since = sum(end - ends.get(partition, 0) for partition, end in now.items())
    report.tell(
        "Kafka",
        f"{sum(ends.values()):,} offsets in {len(ends)} partitions"
        + (f", and {since:,} that have come since" if since else ""),
    )
    for partition in sorted(ends.keys() | loaded.keys()):
        where = f"partition {partition} of {topic.name}"
        if partition not in bounds:
            report.check(False, f"{where} is in no broker any more: was the topic made anew?")
            continue
        first, end = bounds[partition]
        parts = loaded.get(partition, [])
        reached = max((part.end for part in parts), default=0)
        report.check(
            reached <= end,
            f"{where} ends at offset {end}, but offset {reached - 1} is loaded: was the topic made "
            "anew?",
        )
        # what Kafka has removed can no longer be asked for
        for gap in gaps(Stretch(first, max(ends.get(partition, 0), first)), parts):
            offset = topic.first_message(partition, *gap)
            report.check(
                offset is None,
                f"{where}: offsets {gap.first} to {gap.end - 1} are not loaded, and {offset} at "
                "least has a message",
            )


def reconcile_landing(report: Report, landing: Landing, topic: str, loaded: dict, counts: dict):
    """Hold what became of messages, {partition: (read, landed before)}, against the files."""
    in_files = messages_in_files(landing, topic)
    report.tell(
        "landed",
        f"{sum(files.messages for files in in_files.values()):,} messages in the files that are "
        "kept",
    )
    for partition in sorted(loaded.keys() | in_files.keys()):
        where = f"partition {partition} of {topic}"
        parts, files = loaded.get(partition, []), in_files.get(partition)
        offsets = sum(part.end - part.first for part in parts)
        read, before = counts.get(partition, (0, 0))
        report.check(
            read - before <= offsets,
            f"{where}: {read - before:,} messages were counted of {offsets:,} offsets: some count "
            "twice",
        )
        if files is None:
            continue
        for gap in gaps(Stretch(files.first, files.end), parts):
            # files that were put together may have a gap where Kafka has
            report.check(
                not any_message(landing, topic, partition, gap),
                f"{where}: offsets {gap.first} to {gap.end - 1} have landed and are not loaded: run "
                "the models",
            )
        if parts and files.first <= min(parts).first and files.end <= max(parts).end:
            report.check(
                read - before == files.messages,
                f"{where}: {files.messages:,} messages have landed, but {read - before:,} were "
                "loaded",
            )


class InFiles(NamedTuple):
    """What the landing files have of a partition; a message in two files is one."""

    first: int
    end: int
    messages: int


def messages_in_files(landing: Landing, topic: str) -> dict[int, InFiles]:
    """Return it by partition."""
    if not landing.has_files():
        return {}
    with duckdb.connect() as connection:
        rows = connection.execute(
            """select "partition", min("offset"), max("offset") + 1, count(distinct "offset")
            from read_parquet($1) where topic = $2 group by "partition" """,
            [landing.pattern, topic],
        ).fetchall()
    return {partition: InFiles(*rest) for partition, *rest in rows}


def any_message(landing: Landing, topic: str, partition: int, gap: Stretch) -> bool:
    """Whether the landing files have a message of these offsets."""
    with duckdb.connect() as connection:
        return bool(
            connection.execute(
                """select 1 from read_parquet($1) where topic = $2 and "partition" = $3
                and "offset" >= $4 and "offset" < $5 limit 1""",
                [landing.pattern, topic, partition, *gap],
            ).fetchall()
        )


def reconcile_streams(report: Report, connection: duckdb.DuckDBPyConnection) -> None:
    """Hold rows and streams of the database against each other: each heartbeat is in one stream."""
    read, accepted, rejected, before = connection.execute(
        """select
            coalesce(sum(rows_read), 0)::bigint, coalesce(sum(rows_accepted), 0)::bigint,
            coalesce(sum(rows_rejected), 0)::bigint, coalesce(sum(rows_landed_before), 0)::bigint
        from heartbeat_reconciliation"""
    ).fetchone()
    report.tell(
        "rows",
        f"{read:,} read = {accepted:,} accepted + {rejected:,} rejected + {before:,} landed before",
    )
    report.check(
        read == accepted + rejected + before,
        f"{read:,} rows were read, but {accepted:,} accepted, {rejected:,} rejected and {before:,} "
        f"landed before are {accepted + rejected + before:,}",
    )
    (kept,) = connection.execute("select count(*) from rejected_heartbeats").fetchone()
    report.check(
        kept == rejected, f"{rejected:,} rows were rejected, but rejected_heartbeats has {kept:,}"
    )
    (streams, heartbeats), (ended, in_ended), (ongoing, in_ongoing) = (
        connection.execute(
            f"select count(*), coalesce(sum(heartbeats), 0)::bigint from {table}"
        ).fetchone()
        for table in ("int_watch__streams", "fct_watch_streams", "ongoing_watch_streams")
    )
    report.tell(
        "streams",
        f"{streams:,} = {ended:,} ended + {ongoing:,} going on, of {heartbeats:,} heartbeats",
    )
    report.check(
        heartbeats == accepted,
        f"{accepted:,} heartbeats were accepted, but the streams have {heartbeats:,}",
    )
    report.check(
        streams == ended + ongoing and heartbeats == in_ended + in_ongoing,
        f"{streams:,} streams of {heartbeats:,} heartbeats are stored, but {ended:,} have ended and "
        f"{ongoing:,} go on, of {in_ended + in_ongoing:,} heartbeats",
    )


def loaded_stretches(connection: duckdb.DuckDBPyConnection, topic: str) -> dict:
    """Return {partition: [Stretch]} of what is loaded of a topic."""
    found: dict[int, list[Stretch]] = {}
    for partition, *stretch in connection.execute(
        """select topic_partition, first_offset, last_offset + 1
        from dwell_heartbeats_landed where topic = $1""",
        [topic],
    ).fetchall():
        found.setdefault(partition, []).append(Stretch(*stretch))
    return found


def counted_rows(connection: duckdb.DuckDBPyConnection, topic: str) -> dict:
    """Return {partition: (rows read, rows landed before)} of a topic."""
    rows = connection.execute(
        """select topic_partition, rows_read, rows_landed_before
        from heartbeat_reconciliation where source = $1""",
        [topic],
    ).fetchall()
    return {partition: tuple(rest) for partition, *rest in rows}


# -- The command -----------------------------------------------------------------------------


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    options.add_kafka(parser)
    parser.add_argument("--topic", required=True, help="the topic of the heartbeats")
    parser.add_argument(
        "--landing", default="landing", metavar="FOLDER", help="where files land (default: landing)"
    )
    parser.add_argument(
        "--ends",
        type=ends,
        metavar="JSON",
        help="what must be loaded, as `dwell ends` printed it before the topic was landed; what "
        "came later is told, and is no fault (default: where the topic ends now)",
    )


def ends(text: str) -> dict[int, int]:
    """Return {partition: offset} of JSON."""
    try:
        return {int(partition): int(end) for partition, end in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError):
        raise argparse.ArgumentTypeError(
            'must be as `dwell ends` prints it: {"0": 1200, "1": 1180}'
        ) from None


def main(arguments: argparse.Namespace) -> int:
    """Reconcile. 0: all is accounted for; 1: something differs; 2: wrong usage."""
    log.set_up()
    report = Report()
    try:
        topic = Topic(kafka.settings_of(arguments), arguments.topic)
        try:
            patiently(lambda: reconcile(report, topic, arguments))
        finally:
            topic.close()
    except (KafkaTrouble, duckdb.Error, OSError) as error:
        log.say(str(error), logging.ERROR)
        return 2 if isinstance(error, WrongUsage) else 1
    for line in report.lines:
        print(line)
    if report.faults:
        sys.stdout.flush()
        log.say(f"not reconciled: {'; '.join(report.faults)}", logging.ERROR)
        return 1
    print("reconciled: each offset is accounted for")
    return 0


def reconcile(report: Report, topic: Topic, arguments: argparse.Namespace) -> None:
    """Hold each step against the one before it."""
    database, landing = Path(answers.database()), Landing(Path(arguments.landing))
    if not database.exists():
        raise WrongUsage(f"there is no {database}: run the models first, or set DWELL_DATABASE")
    with duckdb.connect(str(database), read_only=True) as connection:
        loaded = loaded_stretches(connection, topic.name)
        reconcile_offsets(report, topic, arguments.ends, loaded)
        reconcile_landing(
            report, landing, topic.name, loaded, counted_rows(connection, topic.name)
        )
        reconcile_streams(report, connection)
