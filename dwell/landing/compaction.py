"""`dwell tidy`: keeps the landing folder small. Nothing that is not loaded is touched.

Small files that are loaded are put together into larger ones, and old ones are removed. A message
is known by its topic, partition and offset, so it does not matter which file holds it. The file of
a partition's last message stays: it says where ingest goes on.
"""

import argparse
import glob
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from dwell import config
from dwell.runtime import log, permissions
from dwell.runtime.atomic_file import replace_file
from dwell.runtime.database_lock import retry_while_locked

EVERY_SECONDS = 600
# a file of this size is not worth being put together with others
LARGE = 64 * 2**20
MOST_BYTES = 2 * LARGE
FEWEST = 8

# Of these files, those of which every stretch of offsets is loaded; and whether one has the last
# message of a partition, by these files and by what is loaded.
LOADED_FILES = """
with stretches as (
    select
        filename, topic, "partition" as topic_partition,
        min("offset") as first_offset, max("offset") as last_offset
    from read_parquet($files, filename = true, hive_partitioning = false)
    group by filename, topic, "partition"
),

told as (
    select
        *,
        last_offset = greatest(
            max(last_offset) over (partition by topic, topic_partition),
            (
                select max(l.last_offset)
                from dwell_heartbeats_landed as l
                where l.topic = stretches.topic and l.topic_partition = stretches.topic_partition
            )
        ) as is_last,
        exists (
            select 1
            from dwell_heartbeats_landed as l
            where
                l.topic = stretches.topic
                and l.topic_partition = stretches.topic_partition
                and l.first_offset <= stretches.first_offset
                and l.last_offset >= stretches.last_offset
        ) as is_loaded
    from stretches
)

select filename, min(topic), bool_or(is_last)
from told
group by filename
having bool_and(is_loaded) and count(distinct topic) = 1
order by filename
"""

PUT_TOGETHER = """
copy (
    select distinct on (topic, "partition", "offset")
        topic, "partition", "offset", received_at, payload
    from read_parquet($files, hive_partitioning = false)
    order by topic, "partition", "offset"
) to '{place}' (format parquet, compression zstd)
"""


class File(NamedTuple):
    """A landing file that is loaded."""

    path: Path
    topic: str
    has_last_message: bool
    size: int
    modified_at: float


def tidy(folder: Path, database: Path, keep_days: float) -> bool:
    """Remove what is old and put together what is small, if it is loaded; whether any was."""
    now = time.time()
    older_than = now - keep_days * 86_400
    for left in folder.glob(".*.together.*.tmp"):
        # by one that was killed
        if now - left.stat().st_mtime > 3600:
            left.unlink()
    # while it is open for reading, no run of dbt can load anything
    with duckdb.connect(str(database), read_only=True) as connection:
        files = loaded_files(connection, folder, older_than)
        old = [f for f in files if f.modified_at < older_than and not f.has_last_message]
        for file in old:
            file.path.unlink()
        rest = [file for file in files if file not in old]
        made = [put_together(connection, group) for group in groups(rest)]
    if old or made:
        log.info(
            f"landing: {len(old)} files removed, {sum(made)} put together into {len(made)}",
            removed=len(old),
            put_together=sum(made),
            into=len(made),
        )
    return bool(old or made)


def loaded_files(connection, folder: Path, older_than: float) -> list[File]:
    """Return the files that are small or old, and of which all is loaded, oldest first.

    No other is opened: a large one stays as it is until it is old.
    """
    found = {path: path.stat() for path in sorted(folder.glob("*.parquet"))}
    looked_at = {
        str(path): about
        for path, about in found.items()
        if about.st_size < LARGE or about.st_mtime < older_than
    }
    if not looked_at:
        return []
    rows = connection.execute(
        LOADED_FILES, {"files": [glob.escape(name) for name in looked_at]}
    ).fetchall()
    files = [
        File(Path(name), topic, has_last, looked_at[name].st_size, looked_at[name].st_mtime)
        for name, topic, has_last in rows
    ]
    return sorted(files, key=lambda file: file.modified_at)


def groups(files: list[File]) -> Iterator[list[File]]:
    """Yield small files of a topic that are to be put together, in the order of their age."""
    for topic in sorted({file.topic for file in files}):
        group: list[File] = []
        for file in (f for f in files if f.topic == topic and f.size < LARGE):
            if group and sum(f.size for f in group) + file.size > MOST_BYTES:
                yield group
                group = []
            group.append(file)
        if len(group) >= FEWEST:
            yield group


def put_together(connection: duckdb.DuckDBPyConnection, files: list[File]) -> int:
    """Put files together into one, and return how many. If it dies between, both are there."""
    written_at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = files[0].path.with_name(f"{files[0].topic}.together.{written_at}.parquet")
    hidden = path.with_name(f".{path.stem}.tmp")
    place = str(hidden).replace("'", "''")
    with permissions.no_wider_than([file.path for file in files]):
        connection.execute(
            PUT_TOGETHER.format(place=place),
            {"files": [glob.escape(str(file.path)) for file in files]},
        )
    # its age is that of its newest message
    os.utime(hidden, (files[-1].modified_at, files[-1].modified_at))
    replace_file(hidden, path)
    for file in files:
        file.path.unlink()
    return len(files)


# -- The command -----------------------------------------------------------------------------


def main(arguments: argparse.Namespace) -> int:
    """Tidy once. 0: done; 1: could not."""
    log.set_up()
    folder, database = Path(arguments.landing), Path(config.database())
    for path in (folder, database):
        if not path.exists():
            log.error(f"there is no {path}: name it by --landing or DWELL_DATABASE")
            return 2
    try:
        if not retry_while_locked(lambda: tidy(folder, database, arguments.keep_days)):
            log.info("landing: nothing to do")
    except (duckdb.Error, OSError) as error:
        log.error(str(error))
        return 1
    return 0
