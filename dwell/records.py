"""Records of streams on their way into a table: a Parquet file, and what has to be known of it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

TEXTS = ("user_id", "program_id", "session_id", "device", "stream_id")
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
COLUMNS = (*OF_A_STREAM, "revision", "is_retracted", "loaded_at")

# A key holds its start_time and first_heartbeat_at, and began_at is one of the two, whatever the
# timeout was: between these bounds is all that a table may know of the keys.
ABOUT = """
select
    count(*),
    min(least(start_time, first_heartbeat_at)),
    max(greatest(start_time, first_heartbeat_at))
from ({source})
"""


@dataclass(frozen=True)
class Records:
    """A file of `rows` records with COLUMNS; their keys began between `first` and `last` (UTC)."""

    path: Path
    rows: int
    first: datetime
    last: datetime
    loaded_at: datetime

    def __len__(self) -> int:
        """Return how many there are."""
        return self.rows


def write(connection, source: str, values: dict, path: Path, loaded_at: datetime, zoned: bool):
    """Write what a query gives as a file, and return its Records.

    The query gives COLUMNS but for loaded_at. `zoned` times are moments of UTC by their type too.
    """
    rows, first, last = connection.execute(ABOUT.format(source=source), values).fetchone()
    kind = "timestamptz" if zoned else "timestamp"
    columns = ", ".join(
        f"cast({column} as {kind}) as {column}" if column in TIMES else column for column in COLUMNS
    )
    place = str(path).replace("'", "''")
    connection.execute(
        f"copy (select {columns} from (select *, $loaded_at as loaded_at from ({source}))) "
        f"to '{place}' (format parquet)",
        values | {"loaded_at": loaded_at},
    )
    return Records(path, rows, first, last, loaded_at)
