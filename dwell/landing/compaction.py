"""Compaction of the landing folder. Only files whose messages are all loaded change.

Small files are merged into larger ones, and old files are removed. A message is known by its topic,
partition, and offset, so it does not matter which file holds it. The file with the last message of
a partition stays, because consumers continue after it.
"""

import glob
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from dwell.runtime import log, permissions
from dwell.runtime.atomic_file import replace_file

INTERVAL_SECONDS = 600
# files of this size are not merged
LARGE_BYTES = 64 * 2**20
MAX_MERGED_BYTES = 2 * LARGE_BYTES
MIN_FILES = 8

# Of these files, those of which every offset range is loaded; and whether one has the last message
# of a partition, by these files and by what is loaded.
LOADED_FILES = """
with offset_ranges as (
    select
        filename, topic, "partition" as topic_partition,
        min("offset") as first_offset, max("offset") as last_offset
    from read_parquet($files, filename = true, hive_partitioning = false)
    group by filename, topic, "partition"
),

flagged as (
    select
        *,
        last_offset = greatest(
            max(last_offset) over (partition by topic, topic_partition),
            (
                select max(l.last_offset)
                from dwell_heartbeats_landed as l
                where
                    l.topic = offset_ranges.topic
                    and l.topic_partition = offset_ranges.topic_partition
            )
        ) as is_last,
        exists (
            select 1
            from dwell_heartbeats_landed as l
            where
                l.topic = offset_ranges.topic
                and l.topic_partition = offset_ranges.topic_partition
                and l.first_offset <= offset_ranges.first_offset
                and l.last_offset >= offset_ranges.last_offset
        ) as is_loaded
    from offset_ranges
)

select filename, min(topic), bool_or(is_last)
from flagged
group by filename
having bool_and(is_loaded) and count(distinct topic) = 1
order by filename
"""

MERGE = """
copy (
    select distinct on (topic, "partition", "offset")
        topic, "partition", "offset", received_at, payload
    from read_parquet($files, hive_partitioning = false)
    order by topic, "partition", "offset"
) to '{path}' (format parquet, compression zstd)
"""


class LoadedFile(NamedTuple):
    """A landing file whose messages are all loaded."""

    path: Path
    topic: str
    has_last_message: bool
    size: int
    modified_at: float


def compact_folder(folder: Path, database: Path, keep_days: float) -> bool:
    """Remove old files and merge small ones, if they are loaded; return whether any was."""
    now = time.time()
    older_than = now - keep_days * 86_400
    for path in folder.glob(".*.together.*.tmp"):
        # left by a process that was killed
        if now - path.stat().st_mtime > 3600:
            path.unlink()
    # while it is open for reading, no run of dbt can load anything
    with duckdb.connect(str(database), read_only=True) as connection:
        files = find_loaded_files(connection, folder, older_than)
        old = [f for f in files if f.modified_at < older_than and not f.has_last_message]
        for file in old:
            file.path.unlink()
        rest = [file for file in files if file not in old]
        merged = [merge_files(connection, group) for group in group_small_files(rest)]
    if old or merged:
        log.info(
            f"compaction: {len(old)} files removed, {sum(merged)} merged into {len(merged)}",
            removed=len(old),
            merged=sum(merged),
            merged_into=len(merged),
        )
    return bool(old or merged)


def find_loaded_files(
    connection: duckdb.DuckDBPyConnection, folder: Path, older_than: float
) -> list[LoadedFile]:
    """Return the files that are small or old, and whose messages are all loaded, oldest first.

    No other file is opened: a large one stays as it is until it is old.
    """
    statuses = {path: path.stat() for path in sorted(folder.glob("*.parquet"))}
    candidates = {
        str(path): status
        for path, status in statuses.items()
        if status.st_size < LARGE_BYTES or status.st_mtime < older_than
    }
    if not candidates:
        return []
    rows = connection.execute(
        LOADED_FILES, {"files": [glob.escape(name) for name in candidates]}
    ).fetchall()
    files = [
        LoadedFile(Path(name), topic, has_last, candidates[name].st_size, candidates[name].st_mtime)
        for name, topic, has_last in rows
    ]
    return sorted(files, key=lambda file: file.modified_at)


def group_small_files(files: list[LoadedFile]) -> Iterator[list[LoadedFile]]:
    """Yield groups of a topic's small files that are to be merged, in the order of their age."""
    for topic in sorted({file.topic for file in files}):
        group: list[LoadedFile] = []
        for file in (f for f in files if f.topic == topic and f.size < LARGE_BYTES):
            if group and sum(f.size for f in group) + file.size > MAX_MERGED_BYTES:
                yield group
                group = []
            group.append(file)
        if len(group) >= MIN_FILES:
            yield group


def merge_files(connection: duckdb.DuckDBPyConnection, files: list[LoadedFile]) -> int:
    """Merge files into one, and return how many. A kill may leave both the one and the others."""
    written_at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = files[0].path.with_name(f"{files[0].topic}.together.{written_at}.parquet")
    hidden = path.with_name(f".{path.stem}.tmp")
    quoted = str(hidden).replace("'", "''")
    with permissions.no_wider_than([file.path for file in files]):
        connection.execute(
            MERGE.format(path=quoted),
            {"files": [glob.escape(str(file.path)) for file in files]},
        )
    # its age is that of its newest message
    os.utime(hidden, (files[-1].modified_at, files[-1].modified_at))
    replace_file(hidden, path)
    for file in files:
        file.path.unlink()
    return len(files)
