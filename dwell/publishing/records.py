"""Records of streams for a table: a Parquet file, and what a load has to know about it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from dwell.publishing.day_ranges import Range

# of a batch: (key, JSON)
Messages = list[tuple[str, str]]

TEXTS = ("user_id", "program_id", "session_id", "device", "stream_id", "shard")
TIMES = ("start_time", "began_at", "first_heartbeat_at", "last_heartbeat_at", "loaded_at")
# the columns of fct_watch_streams, in its order
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
# with the columns that the ledger adds
PUBLISHED = (*OF_A_STREAM, "revision", "is_retracted")
COLUMNS = (*PUBLISHED, "shard", "loaded_at")


@dataclass(frozen=True)
class Records:
    """A file of `rows` records with COLUMNS.

    Each range covers days of began_at. They cover the rows of the table that have the same keys.
    """

    path: Path
    rows: int
    ranges: tuple[Range, ...]
    loaded_at: datetime

    def __len__(self) -> int:
        """Return the number of records."""
        return self.rows


def write_parquet(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    values: dict[str, Any],
    path: Path,
    loaded_at: datetime,
    is_zoned: bool,
) -> int:
    """Write the rows of a query to a Parquet file, and return how many there are.

    The query returns COLUMNS without loaded_at. With `is_zoned`, times have a type with a zone.
    """
    time_type = "timestamptz" if is_zoned else "timestamp"
    columns = ", ".join(
        f"cast({column} as {time_type}) as {column}" if column in TIMES else column
        for column in COLUMNS
    )
    target = str(path).replace("'", "''")
    rows = connection.execute(
        f"copy (select {columns} from (select *, $loaded_at as loaded_at from ({query}))) "
        f"to '{target}' (format parquet)",
        values | {"loaded_at": loaded_at},
    ).fetchall()
    return int(rows[0][0])
