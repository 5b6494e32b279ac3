"""`dwell reconcile`: account for each offset of a topic, from Kafka to the streams and the table.

Each step is held against the one before it: what Kafka has, what has landed, what the models say
became of it, the streams, and the warehouse's table. What has come since the run began is told, and
is no fault. It reads counts and bounds, and of messages only those that seem to be missing.
"""

import argparse
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import duckdb

from dwell import config
from dwell.exceptions import KafkaClientError, KafkaConfigError, WarehouseError
from dwell.kafka import config as kafka_config
from dwell.kafka.end_offsets import Topic
from dwell.landing.folder import Landing
from dwell.report.formatting import counted
from dwell.runtime import log
from dwell.runtime.database_lock import retry_while_locked
from dwell.runtime.terminal import escape
from dwell.warehouses import comparison
from dwell.warehouses.load import in_short, in_words


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

    def __str__(self) -> str:
        return f"offsets {self.first} to {self.end - 1}"


class Loaded(NamedTuple):
    """What the database says of a partition."""

    stretches: list[Stretch]
    # rows read, without those that tell a message which another row has told
    messages: int

    @property
    def end(self) -> int:
        """The offset after the last that is loaded."""
        return max((stretch.end for stretch in self.stretches), default=0)


NOTHING = Loaded([], 0)


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


# -- Offsets ---------------------------------------------------------------------------------


def reconcile_offsets(
    report: Report,
    topic: Topic,
    landing: Landing,
    loaded: dict[int, Loaded],
    ends: dict[int, int] | None,
    is_sparse: bool,
) -> None:
    """Hold what is loaded against what Kafka has and what has landed, partition by partition."""
    bounds = topic.bounds()
    now = {partition: end for partition, (_, end) in bounds.items()}
    ends = now if ends is None else ends
    since = sum(end - ends.get(partition, 0) for partition, end in now.items())
    landed = {
        partition: there.next_offset for partition, there in landing.reached(topic.name).items()
    }
    report.tell(
        "Kafka",
        f"{sum(ends.values()):,} offsets in {len(now)} partitions"
        + (f", and {since:,} that have come since" if since else ""),
    )
    report.tell("landed", f"{sum(landed.values()):,} offsets")
    for partition in sorted(ends.keys() | now.keys() | landed.keys() | loaded.keys()):
        where = f"partition {partition} of {topic.name}"
        there, end = loaded.get(partition, NOTHING), ends.get(partition, 0)
        if partition not in bounds or there.end > now[partition]:
            report.check(
                False,
                f"{where} ends at offset {now.get(partition, 0)} in Kafka, but offsets to "
                f"{there.end - 1} are loaded: was the topic made anew?",
            )
            continue
        first, reached = bounds[partition][0], landed.get(partition, 0)
        report.check(
            not there.end < reached <= end,
            f"{where}: {Stretch(there.end, reached)} have landed and are not loaded",
        )
        # what Kafka has removed can no longer be asked for
        for gap in gaps(Stretch(first, max(first, end)), there.stretches):
            offset = topic.first_message(partition, *gap)
            report.check(
                offset is None,
                f"{where}: {gap} are not loaded, and Kafka has a message at {offset}",
            )
        offsets = sum(stretch.end - stretch.first for stretch in there.stretches)
        report.check(
            there.messages <= offsets,
            f"{where}: {there.messages:,} messages count, of {offsets:,} offsets: some count twice",
        )
        report.check(
            there.messages >= offsets or is_sparse,
            f"{where}: {there.messages:,} messages count, of {offsets:,} offsets. If the topic is "
            "compacted or written by transactions, some offsets have none: --sparse says so",
        )


# -- Rows, streams, and the table ------------------------------------------------------------


def reconcile_streams(report: Report, connection: duckdb.DuckDBPyConnection) -> None:
    """Hold rows and streams against each other: each heartbeat is in one stream."""
    read, accepted, rejected, before = connection.execute(
        """select
            coalesce(sum(rows_read), 0)::bigint, coalesce(sum(rows_accepted), 0)::bigint,
            coalesce(sum(rows_rejected), 0)::bigint, coalesce(sum(rows_redelivered), 0)::bigint
        from heartbeat_reconciliation"""
    ).fetchone()
    became = f"{accepted:,} accepted + {rejected:,} rejected + {before:,} landed before"
    report.tell("rows", f"{read:,} = {became}")
    report.check(
        read == accepted + rejected + before, f"{read:,} rows were read, but became {became}"
    )
    (kept,) = connection.execute("select count(*) from rejected_heartbeats").fetchone()
    report.check(
        kept == rejected, f"{rejected:,} rows were rejected, but rejected_heartbeats has {kept:,}"
    )
    (streams, heartbeats), (ended, in_ended), (going_on, in_going_on) = (
        connection.execute(
            f"select count(*), coalesce(sum(heartbeats), 0)::bigint from {table}"
        ).fetchone()
        for table in ("int_watch__streams", "fct_watch_streams", "ongoing_watch_streams")
    )
    parts = f"{ended:,} ended + {going_on:,} going on"
    report.tell("streams", f"{streams:,} = {parts}, of {heartbeats:,} heartbeats")
    report.check(
        heartbeats == accepted,
        f"{accepted:,} heartbeats were accepted, but the streams have {heartbeats:,}",
    )
    report.check(
        (streams, heartbeats) == (ended + going_on, in_ended + in_going_on),
        f"{streams:,} streams of {heartbeats:,} heartbeats are stored, but there are {parts}, of "
        f"{in_ended + in_going_on:,} heartbeats",
    )


def reconcile_table(
    report: Report, connection: duckdb.DuckDBPyConnection, table, path: Path, full: bool
) -> None:
    """Hold a warehouse's table against the streams that have ended, by days that have changed."""
    table.connect()
    compared = comparison.compare(connection, table, path, full)
    unchanged = counted(compared.days_left_out, "unchanged day")
    report.tell(
        "table",
        f"{counted(compared.streams, 'stream')} on {counted(compared.days, 'day')} in {table.name}"
        + (f"; {unchanged} left out" if compared.days_left_out else ""),
    )
    for day, (found, true) in compared.wrong.items():
        report.check(
            False,
            f"{table.name} differs from fct_watch_streams on "
            f"{counted(len(compared.wrong), 'day')}, as on {day}: {in_words(found)} instead of "
            f"{in_words(true)}",
        )
        break


def what_is_loaded(connection: duckdb.DuckDBPyConnection, topic: str) -> dict[int, Loaded]:
    """Return what the database says of a topic, by partition."""
    found = {
        partition: Loaded([], messages)
        for partition, messages in connection.execute(
            """select topic_partition, rows_read - rows_redelivered
            from heartbeat_reconciliation where source = $1""",
            [topic],
        ).fetchall()
    }
    for partition, *stretch in connection.execute(
        """select topic_partition, first_offset, last_offset + 1
        from dwell_heartbeats_landed where topic = $1""",
        [topic],
    ).fetchall():
        found[partition].stretches.append(Stretch(*stretch))
    return found


# -- The command -----------------------------------------------------------------------------


def main(arguments: argparse.Namespace) -> int:
    """Reconcile. 0: all is accounted for; 1: something differs; 2: wrong usage."""
    log.set_up()
    errors: tuple = (KafkaClientError, WarehouseError, duckdb.Error, OSError)
    try:
        table = None
        if arguments.warehouse:
            # only the client that is asked for need be there
            kind = import_module(f"dwell.warehouses.{arguments.warehouse}").WAREHOUSE
            table = kind(arguments.table, "merge", arguments.shard)
            errors += table.errors
        topic = Topic(kafka_config.settings_of(arguments), arguments.topic)
        try:
            report = retry_while_locked(lambda: reconcile(topic, table, arguments))
        finally:
            topic.close()
    except ValueError as error:
        log.error(str(error))
        return 2
    except errors as error:
        log.error(in_short(error))
        return 2 if isinstance(error, KafkaConfigError) else 1
    for line in report.lines:
        print(escape(line))
    sys.stdout.flush()
    if report.faults:
        log.error(f"not reconciled: {'; '.join(report.faults)}")
        return 1
    unasked = "" if table else "; no --warehouse was asked"
    print(f"reconciled: each offset is accounted for{unasked}")
    return 0


def reconcile(topic: Topic, table, arguments: argparse.Namespace) -> Report:
    """Hold each step against the one before it."""
    database, landing = Path(config.database()), Landing(Path(arguments.landing))
    if not database.exists():
        raise KafkaConfigError(
            f"there is no {database}: run the models first, or set DWELL_DATABASE"
        )
    report = Report()
    with duckdb.connect(str(database), read_only=True) as connection:
        loaded = what_is_loaded(connection, topic.name)
        reconcile_offsets(report, topic, landing, loaded, arguments.ends, arguments.sparse)
        reconcile_streams(report, connection)
        if table is not None:
            path = comparison.path_of(database, table, arguments.table)
            reconcile_table(report, connection, table, path, arguments.full)
    return report
