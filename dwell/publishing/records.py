"""Records of streams on their way into a table: a Parquet file, and what has to be known of it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dwell.publishing.day_ranges import Range

TEXTS = ("user_id", "program_id", "session_id", "device", "stream_id", "shard")
TIMES = ("start_time", "began_at", "first_heartbeat_at", "last_heartbeat_at", "loaded_at")
# those of fct_watch_streams, in its order
OF_A_STREAM = (
    "user_id",
    "program_id",
    "start_time",
    "session_id",
    "device",
    "stream_duration",
    "stream_id",
    "began_at",
    "first_heartbeat_at",
    "last_heartbeat_at",
    "heartbeats",
)
# and what the ledger adds
PUBLISHED = (*OF_A_STREAM, "revision", "is_retracted")
COLUMNS = (*PUBLISHED, "shard", "loaded_at")


@dataclass(frozen=True)
class Records:
    """A file of `rows` records with COLUMNS.

    In the table, their keys have or had a began_at in one of the ranges.
    """

    path: Path
    rows: int
    ranges: tuple[Range, ...]
    loaded_at: datetime

    def __len__(self) -> int:
        """Return how many there are."""
        return self.rows


def write(
    connection, source: str, values: dict, path: Path, loaded_at: datetime, zoned: bool
) -> int:
    """Write what a query gives as a file; return how many records that are.

    The query gives COLUMNS but for loaded_at. `zoned` times are moments of UTC by their type too.
    """
    kind = "timestamptz" if zoned else "timestamp"
    columns = ", ".join(
        f"cast({column} as {kind}) as {column}" if column in TIMES else column for column in COLUMNS
    )
    place = str(path).replace("'", "''")
    (rows,) = connection.execute(
        f"copy (select {columns} from (select *, $loaded_at as loaded_at from ({source}))) "
        f"to '{place}' (format parquet)",
        values | {"loaded_at": loaded_at},
    ).fetchone()
    return rows
