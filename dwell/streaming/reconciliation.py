"""Reconciliation: Kafka, the landing folder, the database, and the warehouse hold the same.

Each step is compared with the one before it: offsets in Kafka, offsets that have landed, rows that
the models accepted or rejected, streams, and the rows of the warehouse's table. It reads counts and
bounds, and of messages only those that seem to be missing.
"""

from pathlib import Path

import duckdb

from dwell.kafka.topic_offsets import TopicOffsets
from dwell.landing.folder import Landing
from dwell.runtime.text import counted
from dwell.streaming.offset_ranges import NOTHING, LoadedOffsets, OffsetRange, find_gaps
from dwell.warehouses import comparison
from dwell.warehouses.base import Warehouse


class Report:
    """Lines with the totals of each step, and sentences about differences."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.differences: list[str] = []

    def add_line(self, step: str, line: str) -> None:
        """Add the totals of a step."""
        self.lines.append(f"{step:<10} {line}")

    def expect(self, is_true: bool, difference: str) -> None:
        """Add a difference if something is not true."""
        if not is_true:
            self.differences.append(difference)


# -- Offsets ---------------------------------------------------------------------------------


def reconcile_offsets(
    report: Report,
    topic: TopicOffsets,
    landing: Landing,
    loaded: dict[int, LoadedOffsets],
    expected_ends: dict[int, int] | None,
    is_sparse: bool,
) -> None:
    """Compare what is loaded with what Kafka has and what has landed, partition by partition.

    Everything before the expected end offsets must be loaded, or before those of now.
    """
    bounds = topic.get_bounds()
    ends_now = {partition: end for partition, (_, end) in bounds.items()}
    ends = ends_now if expected_ends is None else expected_ends
    newer = sum(end - ends.get(partition, 0) for partition, end in ends_now.items())
    landed = {
        partition: offsets.next_offset
        for partition, offsets in landing.landed_offsets(topic.topic).items()
    }
    report.add_line(
        "Kafka",
        f"{sum(ends.values()):,} offsets in {len(ends_now)} partitions"
        + (f", and {newer:,} newer ones" if newer else ""),
    )
    report.add_line("landed", f"{sum(landed.values()):,} offsets")
    for partition in sorted(ends.keys() | ends_now.keys() | landed.keys() | loaded.keys()):
        reconcile_partition(
            report,
            topic,
            partition,
            bounds.get(partition),
            ends.get(partition, 0),
            landed.get(partition, 0),
            loaded.get(partition, NOTHING),
            is_sparse,
        )


def reconcile_partition(
    report: Report,
    topic: TopicOffsets,
    partition: int,
    bounds: tuple[int, int] | None,
    end: int,
    landed_end: int,
    loaded: LoadedOffsets,
    is_sparse: bool,
) -> None:
    """Compare what is loaded of a partition with what Kafka has of it, and what has landed."""
    name = f"partition {partition} of {topic.topic}"
    first, end_now = bounds or (0, 0)
    if bounds is None or loaded.end > end_now:
        report.expect(
            False,
            f"{name} ends at offset {end_now} in Kafka, but offsets to {loaded.end - 1} are "
            "loaded: was the topic deleted and created again?",
        )
        return
    report.expect(
        not loaded.end < landed_end <= end,
        f"{name}: {OffsetRange(loaded.end, landed_end)} have landed and are not loaded",
    )
    # offsets that Kafka has removed cannot be looked for
    for gap in find_gaps(OffsetRange(first, max(first, end)), loaded.ranges):
        offset = topic.find_first_message(partition, *gap)
        report.expect(
            offset is None,
            f"{name}: {gap} are not loaded, and Kafka has a message at {offset}",
        )
    counts = f"{loaded.message_count:,} messages count, of {loaded.offset_count:,} offsets"
    report.expect(
        loaded.message_count <= loaded.offset_count,
        f"{name}: {counts}: some count twice",
    )
    report.expect(
        loaded.message_count >= loaded.offset_count or is_sparse,
        f"{name}: {counts}. If the topic is compacted or written by transactions, some offsets "
        "have no message: use --sparse",
    )


# -- Rows, streams, and the table ------------------------------------------------------------


def reconcile_rows(report: Report, connection: duckdb.DuckDBPyConnection) -> int:
    """Compare the rows that were read with what became of them; return how many were accepted."""
    read, accepted, rejected, redelivered = connection.execute(
        """select
            coalesce(sum(rows_read), 0)::bigint, coalesce(sum(rows_accepted), 0)::bigint,
            coalesce(sum(rows_rejected), 0)::bigint, coalesce(sum(rows_redelivered), 0)::bigint
        from heartbeat_reconciliation"""
    ).fetchall()[0]
    parts = f"{accepted:,} accepted + {rejected:,} rejected + {redelivered:,} redelivered"
    report.add_line("rows", f"{read:,} = {parts}")
    report.expect(
        read == accepted + rejected + redelivered,
        f"{read:,} rows were read, but there are {parts}",
    )
    ((kept,),) = connection.execute("select count(*) from rejected_heartbeats").fetchall()
    report.expect(
        kept == rejected, f"{rejected:,} rows were rejected, but rejected_heartbeats has {kept:,}"
    )
    return int(accepted)


def reconcile_streams(report: Report, connection: duckdb.DuckDBPyConnection, accepted: int) -> None:
    """Compare heartbeats with streams: each accepted heartbeat is in one stream."""
    (streams, heartbeats), (ended, in_ended), (ongoing, in_ongoing) = (
        connection.execute(
            f"select count(*), coalesce(sum(heartbeats), 0)::bigint from {table}"
        ).fetchall()[0]
        for table in ("int_watch__streams", "fct_watch_streams", "ongoing_watch_streams")
    )
    parts = f"{ended:,} ended + {ongoing:,} ongoing"
    report.add_line("streams", f"{streams:,} = {parts}, of {heartbeats:,} heartbeats")
    report.expect(
        heartbeats == accepted,
        f"{accepted:,} heartbeats were accepted, but the streams have {heartbeats:,}",
    )
    report.expect(
        (streams, heartbeats) == (ended + ongoing, in_ended + in_ongoing),
        f"{streams:,} streams of {heartbeats:,} heartbeats are stored, but there are {parts}, of "
        f"{in_ended + in_ongoing:,} heartbeats",
    )


def reconcile_table(
    report: Report,
    connection: duckdb.DuckDBPyConnection,
    table: Warehouse,
    path: Path,
    full: bool,
) -> None:
    """Compare a warehouse's table with the ended streams, on the days that have changed."""
    table.connect_or_explain()
    compared = comparison.compare(connection, table, path, full)
    unchanged = counted(compared.days_left_out, "unchanged day")
    report.add_line(
        "table",
        f"{counted(compared.streams, 'stream')} on {counted(compared.days, 'day')} in {table.name}"
        + (f"; {unchanged} left out" if compared.days_left_out else ""),
    )
    for day, (found, expected) in compared.wrong.items():
        report.expect(
            False,
            f"{table.name} differs from fct_watch_streams on "
            f"{counted(len(compared.wrong), 'day')}, as on {day}: "
            f"{comparison.describe_totals(found)} instead of "
            f"{comparison.describe_totals(expected)}",
        )
        break
