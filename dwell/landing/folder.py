"""The landing folder: Parquet files of messages, each complete or not there.

A file holds every message of a partition between its first and its last offset there, so the files
themselves hold what has landed, and where to continue.
"""

import fcntl
import glob
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dwell.exceptions import LandingInUseError
from dwell.runtime.atomic_file import replace_file

# as macros/heartbeats/read_landing.sql reads them
SCHEMA = pa.schema(
    [
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("received_at", pa.timestamp("us")),
        ("payload", pa.binary()),
    ]
)
ROW_GROUP = 122_880

# (2, 4): the third of four shares of the partitions
Share = tuple[int, int]


class LandedOffsets(NamedTuple):
    """How far a partition has landed: the next offset, and the newest time of receipt (ms)."""

    next_offset: int
    newest_received_at: int | None


class Landing:
    """A landing folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def pattern(self) -> str:
        """A glob that matches every landing file."""
        return f"{glob.escape(str(self.folder))}/*.parquet"

    def lock(self, topic: str, share: Share) -> IO[str]:
        """Keep other processes from landing this share of a topic while the file is open.

        The lock ends with the process, however that ends.
        """
        index, shares = share
        for path in self.folder.glob(".*.lock"):
            found = re.fullmatch(rf"[.]{re.escape(topic)}[.](\d+-of-(\d+))[.]lock", path.name)
            if found and int(found[2]) != shares:
                with path.open("r+") as other:
                    lock_file(other, f"in share {found[1]}")
        file = (self.folder / f".{topic}.{index + 1}-of-{shares}.lock").open("a+")
        lock_file(file, f"in share {index + 1}-of-{shares}")
        # files that a killed process has not completed
        for path in self.folder.glob(f".{topic}.{index + 1}-of-{shares}.*.tmp"):
            path.unlink(missing_ok=True)
        return file

    def lock_listener(self, topic: str) -> IO[str]:
        """Keep a second `dwell listen` from changing anything that the first one uses."""
        file = (self.folder / f".{topic}.watch.lock").open("a+")
        lock_file(file, "by dwell listen")
        return file

    def list_other_files(self, topic: str) -> list[str]:
        """Return the names of landing files of other topics."""
        ours = re.compile(rf"{re.escape(topic)}[.](\d+-of-\d+|together)[.]")
        return sorted(p.name for p in self.folder.glob("*.parquet") if not ours.match(p.name))

    def remember_topic(self, topic: str, topic_id: str) -> str:
        """Return the id that a topic had when it first landed here.

        A topic that is deleted and created again has another one.
        """
        path = self.folder / f".{topic}.id"
        if not path.exists():
            hidden = self.folder / f".{topic}.id.tmp"
            hidden.write_text(topic_id)
            replace_file(hidden, path)
        return path.read_text()

    def has_files(self) -> bool:
        """Whether anything has landed."""
        return any(self.folder.glob("*.parquet"))

    def landed_offsets(self, topic: str) -> dict[int, LandedOffsets]:
        """Return how far each partition of a topic has landed."""
        if not self.has_files():
            return {}
        query = """
        select "partition", max("offset") + 1, max(epoch_ms(received_at))
        from read_parquet($1, hive_partitioning = false) where topic = $2 group by "partition"
        """
        with duckdb.connect() as connection:
            while True:
                try:
                    rows = connection.execute(query, [self.pattern, topic]).fetchall()
                    return {partition: LandedOffsets(*rest) for partition, *rest in rows}
                except duckdb.IOException as error:
                    # a compaction has merged it with others in the meantime
                    if "No such file" not in str(error):
                        raise

    def write(self, topic: str, share: Share, batches: Iterable[pa.RecordBatch]) -> Path:
        """Write a landing file, and return its path."""
        written_at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        name = f"{topic}.{share[0] + 1}-of-{share[1]}.{written_at}"
        hidden = self.folder / f".{name}.tmp"
        with hidden.open("wb") as file:
            pq.write_table(
                pa.Table.from_batches(batches, SCHEMA),
                file,
                compression="zstd",
                row_group_size=ROW_GROUP,
                use_dictionary=["topic", "partition"],
            )
        return replace_file(hidden, self.folder / f"{name}.parquet")


def lock_file(file: IO[str], what: str) -> None:
    """Lock an open file; raise, and name the process that has locked it, if one has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = re.match(r"\d+", file.read())
        raise LandingInUseError(
            f"the topic is being landed here already, {what}"
            + (f", by process {holder[0]}" if holder else "")
            + ": end that process, or use another --landing"
        ) from None
    file.seek(0)
    file.truncate()
    file.write(f"{os.getpid()}\n")
    file.flush()
