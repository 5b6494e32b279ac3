"""The ledger: what was told about which streams, and what is to be told next.

It is a DuckDB file of its own beside the database, for it is history, which the marts are not: they
can be built anew, and nothing is told twice for that.

Telling is in three steps, so that it can die between any two of them. A batch is written down as
pending; the sink takes it, as a whole; it is written down as published. A pending batch that is
found at a start is told again if the sink does not know it.
"""

import contextlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import duckdb

from dwell import records
from dwell.patience import patiently

BATCH_ROWS = 100_000
NEVER = datetime(1, 1, 1)

TABLES = """
create table if not exists sink (name varchar);
-- of the ledgers of one table, which this is
create table if not exists identity as select cast(hash(uuid()) >> 2 as bigint) as id;
-- published_at is null while a batch is pending
create table if not exists batches (
    batch bigint primary key,
    made_at timestamptz,
    published_at timestamptz
);
-- every record that was told
create table if not exists publications (
    batch bigint,
    user_id varchar,
    program_id varchar,
    start_time timestamp,
    session_id varchar,
    device varchar,
    stream_duration double,
    stream_id varchar,
    revision integer,
    is_retracted boolean,
    began_at timestamp,
    first_heartbeat_at timestamp,
    last_heartbeat_at timestamp,
    heartbeats bigint
);
-- the last of each stream
create table if not exists told as from publications limit 0;
create or replace view published_streams as
select * exclude (is_retracted) from told where not is_retracted;
"""

# Each statement below reads what its bounds let it read, and not the months before: the bounds are
# parameters, by which DuckDB passes over stored blocks. Values are parameters, names are quoted.

# Streams that were written since the last look.
CHANGED = """
create or replace temp table changed as
select
    s.session_id, s.user_id, s.device, s.program_id, s.start_time,
    s.first_heartbeat_at, s.last_heartbeat_at,
    s.last_heartbeat_at + to_microseconds($timeout_us) < c.reached_at as is_ended
from {marts}.int_watch__streams as s
cross join {marts}.int_watch__clock as c
where s.load_number > $seen
"""

OF_AN_ENTITY = ("session_id", "user_id", "device", "program_id", "start_time")
SAME_STREAM = " and ".join(f"c.{column} = {{0}}.{column}" for column in OF_AN_ENTITY)
# What is compared of a stream; a sink that was changed by hand may have another device for it.
COMPARED = ", ".join(
    f"{{0}}.{column}"
    for column in (
        *OF_AN_ENTITY,
        "stream_duration",
        "began_at",
        "last_heartbeat_at",
        "heartbeats",
    )
)

# Streams that have ended: since the last look, or earlier, if they were written since.
ENDED = f"""
create or replace temp table ended as
select e.*
from {{marts}}.fct_watch_streams as e
where
    e.last_heartbeat_at >= $ended_from
    and e.last_heartbeat_at < $ripe
    and (
        e.last_heartbeat_at >= $told_to
        or exists (
            select 1 from changed as c
            where {SAME_STREAM.format("e")} and c.first_heartbeat_at = e.first_heartbeat_at
        )
    )
"""
ENDED_FROM = "select min(last_heartbeat_at) from changed where last_heartbeat_at < $told_to"

# A stream that was told can have got longer, and merged, but does not end before it began.
TOLD_FROM = """
select least(
    (select min(first_heartbeat_at) from changed), (select min(first_heartbeat_at) from ended)
)
"""

TO_TELL = f"""
create or replace temp table to_tell as
with news as (
    select
        e.user_id, e.program_id, e.start_time, e.session_id, e.device, e.stream_duration,
        e.stream_id, coalesce(t.revision, 0) + 1 as revision, false as is_retracted,
        e.began_at, e.first_heartbeat_at, e.last_heartbeat_at, e.heartbeats
    from ended as e
    left join told as t on e.stream_id = t.stream_id and t.last_heartbeat_at >= $told_from
    where
        t.stream_id is null
        or t.is_retracted
        or ({COMPARED.format("t")}) is distinct from ({COMPARED.format("e")})
),

-- told, but merged into another since, or begun earlier, or going on
gone as (
    select
        t.user_id, t.program_id, t.start_time, t.session_id, t.device, t.stream_duration,
        t.stream_id, t.revision + 1 as revision, true as is_retracted,
        t.began_at, t.first_heartbeat_at, t.last_heartbeat_at, t.heartbeats
    from told as t
    where
        not t.is_retracted
        and t.last_heartbeat_at >= $told_from
        and not exists (
            select 1 from changed as c
            where
                {SAME_STREAM.format("t")}
                and c.first_heartbeat_at = t.first_heartbeat_at and c.is_ended
        )
        -- what is told anew under the same id need not be taken back
        and not exists (select 1 from news as n where n.stream_id = t.stream_id)
        and ($is_anew or exists (
            select 1 from changed as c
            where
                {SAME_STREAM.format("t")}
                and t.first_heartbeat_at between c.first_heartbeat_at and c.last_heartbeat_at
        ))
)

select
    $batch + (row_number() over (
        order by is_retracted desc, last_heartbeat_at, stream_id
    ) - 1) // $batch_rows as batch,
    *
from (from gone union all from news) as all_of_them
"""

NEXT_BATCH = "select coalesce(max(batch), 0) + 1 from batches"

WRITE_DOWN = (
    "insert into batches select distinct batch, now(), null from to_tell",
    "insert into publications from to_tell",
    """
    delete from told
    where last_heartbeat_at >= $told_from and stream_id in (select stream_id from to_tell)
    """,
    "insert into told from to_tell",
    # from its first batch on, it is the ledger of this sink
    "insert into sink select $sink where exists (from batches) and not exists (from sink)",
)

TIME = "'%Y-%m-%dT%H:%M:%S.%fZ'"
MESSAGES = f"""
select
    stream_id,
    json_object(
        'user_id', user_id,
        'program_id', program_id,
        'start_time', strftime(start_time, {TIME}),
        'session_id', session_id,
        'device', device,
        'stream_duration', stream_duration,
        'stream_id', stream_id,
        'revision', revision,
        'is_retracted', is_retracted,
        'began_at', strftime(began_at, {TIME}),
        'first_heartbeat_at', strftime(first_heartbeat_at, {TIME}),
        'last_heartbeat_at', strftime(last_heartbeat_at, {TIME}),
        'heartbeats', heartbeats
    )
from publications
where batch = $batch
order by is_retracted desc, last_heartbeat_at, stream_id
"""


RECORDS = f"select {', '.join(records.COLUMNS[:-1])} from publications where batch = $batch"

# A table's rows, a JSON object a line, become what was told.
FORGET = ("publications", "told", "batches", "sink", "identity")
ADOPT = (
    "insert into batches values ($batch, now(), now())",
    """
    insert into publications by name
    select $batch as batch, *
    from read_json(
        $rows, format = 'newline_delimited', columns = $columns, maximum_object_size = 1073741824
    )
    """,
    """
    insert into told from publications
    qualify row_number() over (partition by stream_id order by revision desc) = 1
    """,
    "insert into sink select $sink",
    "insert into identity select $identity",
)


class LedgerTrouble(Exception):
    """Ledger and sink do not belong together, or one has forgotten; a sentence that says so."""


class Ledger:
    """The ledger in a file, for one sink, about the streams of one database.

    It is open only while something is asked of it, so that others can read it in between.
    """

    def __init__(self, path: Path, sink: str):
        self.path, self.sink = path, sink
        with self._open() as connection:
            connection.execute(TABLES)
            names = [name for (name,) in connection.execute("from sink").fetchall()]
        if names not in ([], [sink]):
            raise LedgerTrouble(
                f"{path} is the ledger of {names[0]}, not of {sink}: give another --ledger. If "
                "it is the same under another name, say so in the ledger's table sink"
            )
        # what has been looked at: loads of this generation up to a number, ends up to a moment
        self.generation = self.seen = -1
        self.told_to = NEVER

    @contextlib.contextmanager
    def _open(self, marts: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the ledger, and the marts beside it; commit at the end, or roll back."""
        with patiently(lambda: duckdb.connect(str(self.path))) as connection:
            connection.execute("set timezone = 'UTC'")
            if marts:
                place = str(marts).replace("'", "''")
                # views know the database by the name of its file
                attach = f"attach '{place}' as {quoted(marts.stem)} (read_only)"
                patiently(lambda: connection.execute(attach))
            connection.begin()
            yield connection
            connection.commit()

    def published(self) -> int:
        """Return the last batch that is written down as published; 0 if there is none."""
        with self._open() as connection:
            return connection.execute(
                "select coalesce(max(batch), 0) from batches where published_at is not null"
            ).fetchone()[0]

    def pending(self) -> list[int]:
        """Return the batches that are written down and not published, in order."""
        with self._open() as connection:
            rows = connection.execute(
                "select batch from batches where published_at is null order by batch"
            ).fetchall()
        return [batch for (batch,) in rows]

    def messages(self, batch: int) -> list[tuple[str, str]]:
        """Return a batch as (key, JSON)."""
        with self._open() as connection:
            return connection.execute(MESSAGES, {"batch": batch}).fetchall()

    def identity(self) -> int:
        """Return a number that no other ledger has."""
        with self._open() as connection:
            return connection.execute("from identity").fetchone()[0]

    def write_records(self, batch: int, path: Path, loaded_at: datetime, zoned: bool):
        """Write a batch as a file; return its Records."""
        with self._open() as connection:
            return records.write(connection, RECORDS, {"batch": batch}, path, loaded_at, zoned)

    def adopt(self, rows: Iterable[dict], batch: int, identity: int) -> None:
        """Forget everything; what was told is what a table has, as it was after a batch."""
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, default=datetime.isoformat) + "\n")
            file.flush()
            with self._open() as connection:
                described = connection.execute("describe publications").fetchall()
                values = {
                    "batch": batch,
                    "rows": file.name,
                    "columns": {name: kind for name, kind, *_ in described if name != "batch"},
                    "sink": self.sink,
                    "identity": identity,
                }
                for table in FORGET:
                    connection.execute(f"delete from {table}")
                for statement in ADOPT:
                    given = {k: v for k, v in values.items() if f"${k}" in statement}
                    connection.execute(statement, given)
        self.generation = self.seen = -1

    def mark_published(self, batch: int) -> None:
        """Write down that the sink has a batch."""
        with self._open() as connection:
            connection.execute("update batches set published_at = now() where batch = ?", [batch])

    def write_down(self, marts: Path, timeout_seconds: float, ripe: datetime) -> None:
        """Write down, as pending, which streams have ended or changed since the last look.

        A stream is ripe to be told if its last heartbeat is before `ripe`.
        """
        database = f"{quoted(marts.stem)}.main"
        timeout_us = round(timeout_seconds * 1_000_000)
        with self._open(marts) as connection:
            load, generation, over_before = connection.execute(
                f"""
                select
                    coalesce(max(load_number), 0), coalesce(max(generation), 0),
                    (select reached_at - to_microseconds($1) from {database}.int_watch__clock)
                from {database}.dwell_heartbeat_loads
                """,
                [timeout_us],
            ).fetchone()
            is_anew = generation != self.generation or load < self.seen
            seen, told_to = (-1, NEVER) if is_anew else (self.seen, self.told_to)

            def do(statement: str, **values):
                return connection.execute(statement.format(marts=database), values)

            do(CHANGED, seen=seen, timeout_us=timeout_us)
            (late,) = do(ENDED_FROM, told_to=told_to).fetchone()
            do(ENDED, ended_from=late or told_to, told_to=told_to, ripe=ripe)
            # a full look may find what was told and is not there any more
            told_from = NEVER if is_anew else do(TOLD_FROM).fetchone()[0] or told_to
            (batch,) = do(NEXT_BATCH).fetchone()
            more = {"batch": batch, "batch_rows": BATCH_ROWS}
            do(TO_TELL, told_from=told_from, is_anew=is_anew, **more)
            for statement in WRITE_DOWN:
                given = {"told_from": told_from, "sink": self.sink}
                do(statement, **{k: v for k, v in given.items() if f"${k}" in statement})
        self.seen, self.generation = load, generation
        # all that was over and ripe is told; the rest may come to be, though nothing new arrives
        self.told_to = max(told_to, min(ripe, over_before or NEVER))


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
