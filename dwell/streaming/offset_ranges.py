"""Offset ranges of a partition, and the gaps between them."""

from collections.abc import Iterable
from typing import NamedTuple

import duckdb


class OffsetRange(NamedTuple):
    """Offsets from `first` to before `end`."""

    first: int
    end: int

    def __str__(self) -> str:
        return f"offsets {self.first} to {self.end - 1}"


class LoadedOffsets(NamedTuple):
    """What the database has loaded of a partition."""

    ranges: list[OffsetRange]
    # rows read, without redelivered messages
    message_count: int

    @property
    def end(self) -> int:
        """The offset after the last that is loaded."""
        return max((offsets.end for offsets in self.ranges), default=0)

    @property
    def offset_count(self) -> int:
        """How many offsets the ranges have."""
        return sum(offsets.end - offsets.first for offsets in self.ranges)


NOTHING = LoadedOffsets([], 0)


def find_gaps(offsets: OffsetRange, parts: Iterable[OffsetRange]) -> list[OffsetRange]:
    """Return the ranges of `offsets` that are in none of the parts."""
    gaps, reached = [], offsets.first
    for part in sorted(parts):
        if part.first > reached:
            gaps.append(OffsetRange(reached, min(part.first, offsets.end)))
        reached = max(reached, part.end)
        if reached >= offsets.end:
            return gaps
    return [*gaps, OffsetRange(reached, offsets.end)] if reached < offsets.end else gaps


def read_loaded_offsets(
    connection: duckdb.DuckDBPyConnection, topic: str
) -> dict[int, LoadedOffsets]:
    """Return what the database has loaded of a topic, by partition."""
    loaded = {
        partition: LoadedOffsets([], message_count)
        for partition, message_count in connection.execute(
            """select topic_partition, rows_read - rows_redelivered
            from heartbeat_reconciliation where source = $1""",
            [topic],
        ).fetchall()
    }
    for partition, first, end in connection.execute(
        """select topic_partition, first_offset, last_offset + 1
        from dwell_heartbeats_landed where topic = $1""",
        [topic],
    ).fetchall():
        loaded[partition].ranges.append(OffsetRange(first, end))
    return loaded
