"""The folder where messages land: Parquet files, each whole or not there.

A file holds every message of a partition between its first and its last offset there, so what has
landed, and where to go on, can be read from the files.
"""

import fcntl
import glob
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

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


class Reached(NamedTuple):
    """How far a partition has landed: the next offset, and the newest time of receipt (ms)."""

    next_offset: int
    newest_received_at: int | None


class Landing:
    """One folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def pattern(self) -> str:
        """A glob that names every file."""
        return f"{glob.escape(str(self.folder))}/*.parquet"

    def lock(self, topic: str, share: tuple[int, int]):
        """Keep others from landing this share of a topic while the returned file is open.

        The lock goes with the process, however it ends.
        """
        index, shares = share
        for path in self.folder.glob(".*.lock"):
            found = re.fullmatch(rf"[.]{re.escape(topic)}[.](\d+-of-(\d+))[.]lock", path.name)
            if found and int(found[2]) != shares:
                with path.open("r+") as other:
                    take(other, f"in share {found[1]}")
        file = (self.folder / f".{topic}.{index + 1}-of-{shares}.lock").open("a+")
        take(file, f"in share {index + 1}-of-{shares}")
        # what a kill has left of a file that was being written
        for path in self.folder.glob(f".{topic}.{index + 1}-of-{shares}.*.tmp"):
            path.unlink(missing_ok=True)
        return file

    def lock_watch(self, topic: str):
        """Keep a second dwell watch away, before it touches anything that the first one uses."""
        file = (self.folder / f".{topic}.watch.lock").open("a+")
        take(file, "by dwell watch")
        return file

    def others(self, topic: str) -> list[str]:
        """Return names of files that are not of a topic."""
        ours = re.compile(rf"{re.escape(topic)}[.](\d+-of-\d+|together)[.]")
        return sorted(p.name for p in self.folder.glob("*.parquet") if not ours.match(p.name))

    def remember_topic(self, topic: str, topic_id: str) -> str:
        """Return the id that a topic had when it first landed here; made anew, it has another."""
        path = self.folder / f".{topic}.id"
        if not path.exists():
            hidden = self.folder / f".{topic}.id.tmp"
            hidden.write_text(topic_id)
            replace_file(hidden, path)
        return path.read_text()

    def has_files(self) -> bool:
        """Whether anything has landed, ever."""
        return any(self.folder.glob("*.parquet"))

    def reached(self, topic: str) -> dict[int, Reached]:
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
                    return {partition: Reached(*rest) for partition, *rest in rows}
                except duckdb.IOException as error:
                    # dwell tidy has put it together with others in the meantime
                    if "No such file" not in str(error):
                        raise

    def write(self, topic: str, share: tuple[int, int], batches: Iterable[pa.RecordBatch]) -> Path:
        """Write a file of messages and return its path; it is there once this returns."""
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


def take(file, what: str) -> None:
    """Lock an open file, or say who has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = re.match(r"\d+", file.read())
        raise LandingInUseError(
            f"the topic is being landed here already, {what}"
            + (f", by process {holder[0]}" if holder else "")
            + ": end that one, or give another --landing"
        ) from None
    file.seek(0)
    file.truncate()
    file.write(f"{os.getpid()}\n")
    file.flush()
