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

from dwell.exceptions import LedgerError
from dwell.publishing import day_ranges, records
from dwell.runtime import permissions
from dwell.runtime.database_lock import retry_while_locked

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
-- on which days of began_at a batch's streams are, or were by their last revision
create table if not exists batch_days (batch bigint, began_on date);
-- up to where a database was compared: its loads up to one, its streams that had ended by a moment
create table if not exists position (
    load_number bigint,
    load_id varchar,
    timeout_us bigint,
    published_to timestamp
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
-- minutes of receipt whose invalid messages someone has accepted
create table if not exists accepted_minutes (received_minute timestamp primary key);
-- by the last look: a stream whose last heartbeat is in such an interval is not published
create table if not exists withheld (begins_at timestamp, ends_at timestamp);
create or replace view published_streams as
select * exclude (is_retracted) from told where not is_retracted;
"""

# Each statement below reads what its bounds let it read, and not the months before: the bounds are
# parameters, by which DuckDB passes over stored blocks. Values are parameters, names are quoted.

# It holds for a database that has the load it names, and for the timeout it was found with. Any
# other database, and one that was restored or built from scratch, is compared as a whole.
POSITION = """
select p.load_number, p.published_to
from position as p
inner join {marts}.dwell_heartbeat_load_ids as i using (load_number, load_id)
where p.timeout_us = $timeout_us
"""
# Streams that were published may be missing only because a rebuild in steps has not come to them.
IS_BEING_REBUILT = """
select exists (from batches) and exists (
    from {marts}.dwell_heartbeats_waiting where is_rebuilding
)
"""
SET_POSITION = """
insert into position
select load_number, load_id, $timeout_us, $published_to
from {marts}.dwell_heartbeat_load_ids
where load_number = $load_number
"""

# Streams that were written since the last look.
CHANGED = """
create or replace temp table changed as
select
    s.session_id, s.user_id, s.device, s.program_id, s.start_time,
    s.first_heartbeat_at, s.last_heartbeat_at,
    s.last_heartbeat_at + to_microseconds($timeout_us) < c.watermark_at as is_ended
from {marts}.int_watch__streams as s
cross join {marts}.int_watch__watermark as c
where s.load_number > $load_number
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
        e.last_heartbeat_at >= $published_to
        or exists (
            select 1 from changed as c
            where {SAME_STREAM.format("e")} and c.first_heartbeat_at = e.first_heartbeat_at
        )
    )
    and not exists (
        select 1 from withheld as w
        where e.last_heartbeat_at >= w.begins_at and e.last_heartbeat_at < w.ends_at
    )
"""
ENDED_FROM = "select min(last_heartbeat_at) from changed where last_heartbeat_at < $published_to"

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
        e.began_at, e.first_heartbeat_at, e.last_heartbeat_at, e.heartbeats,
        t.began_at as previous_began_at
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
        t.began_at, t.first_heartbeat_at, t.last_heartbeat_at, t.heartbeats,
        t.began_at as previous_began_at
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

# The newest load, and the moment before which streams had their last heartbeat if they are over.
NOW = """
select
    coalesce(max(load_number), 0),
    (select watermark_at - to_microseconds($timeout_us) from {marts}.int_watch__watermark)
from {marts}.dwell_heartbeat_loads
"""

NEXT_BATCH = "select coalesce(max(batch), 0) + 1 from batches"

WRITE_DOWN = (
    "insert into batches select distinct batch, now(), null from to_tell",
    "insert into publications select * exclude (previous_began_at) from to_tell",
    """
    insert into batch_days
    select distinct batch, cast(unnest([began_at, previous_began_at]) as date) from to_tell
    """,
    """
    delete from told
    where last_heartbeat_at >= $told_from and stream_id in (select stream_id from to_tell)
    """,
    "insert into told select * exclude (previous_began_at) from to_tell",
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


RECORDS = f"""
select {", ".join(records.PUBLISHED)}, $shard as shard from publications where batch = $batch
"""
DAYS = "select began_on from batch_days where batch = $batch and began_on is not null"

# A table's rows, a JSON object a line, become what was told.
FORGET = ("publications", "told", "batches", "batch_days", "position", "sink", "identity")
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


class Ledger:
    """The ledger in a file, for one sink, about the streams of one database.

    It is open only while something is asked of it, so that others can read it in between.
    """

    def __init__(self, path: Path, sink: str):
        self.path, self.sink = path, sink
        with self._open() as connection:
            connection.execute(TABLES)
            # it may be older than the umask of this command
            permissions.narrow(path)
            names = [name for (name,) in connection.execute("from sink").fetchall()]
        if names not in ([], [sink]):
            raise LedgerError(
                f"{path} is the ledger of {names[0]}, not of {sink}: give another --ledger. If "
                "it is the same under another name, say so in the ledger's table sink"
            )

    @contextlib.contextmanager
    def _open(self, marts: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the ledger, and the marts beside it; commit at the end, or roll back."""
        with retry_while_locked(lambda: duckdb.connect(str(self.path))) as connection:
            connection.execute("set timezone = 'UTC'")
            if marts:
                place = str(marts).replace("'", "''")
                # views know the database by the name of its file
                attach = f"attach '{place}' as {quoted(marts.stem)} (read_only)"
                retry_while_locked(lambda: connection.execute(attach))
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

    def write_records(
        self, batch: int, path: Path, shard: str, loaded_at: datetime, zoned: bool
    ) -> records.Records:
        """Write a batch, as a shard's, to a file; return its Records."""
        with self._open() as connection:
            days = [day for (day,) in connection.execute(DAYS, {"batch": batch}).fetchall()]
            values = {"batch": batch, "shard": shard}
            rows = records.write(connection, RECORDS, values, path, loaded_at, zoned)
            return records.Records(path, rows, day_ranges.of_days(days), loaded_at)

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

    def mark_published(self, batch: int) -> None:
        """Write down that the sink has a batch."""
        with self._open() as connection:
            connection.execute("update batches set published_at = now() where batch = ?", [batch])

    def accept_minutes(self, minutes: Iterable[datetime]) -> set[datetime]:
        """Add to the minutes whose invalid messages are accepted, and return all of them."""
        with self._open() as connection:
            for minute in minutes:
                connection.execute("insert or ignore into accepted_minutes values (?)", [minute])
            return {minute for (minute,) in connection.execute("from accepted_minutes").fetchall()}

    def write_down(
        self,
        marts: Path,
        timeout_seconds: float,
        ripe: datetime,
        withheld: Iterable[tuple[datetime, datetime]] = (),
    ) -> None:
        """Write down, as pending, which streams have ended or changed since the last look.

        A stream is ripe to be told if its last heartbeat is before `ripe`, and in none of the
        intervals `withheld`.
        """
        database = f"{quoted(marts.stem)}.main"
        timeout_us = round(timeout_seconds * 1_000_000)
        with self._open(marts) as connection:

            def do(statement: str, **values):
                given = {k: v for k, v in values.items() if f"${k}" in statement}
                return connection.execute(statement.format(marts=database), given)

            position = do(POSITION, timeout_us=timeout_us).fetchone()
            if position is None and do(IS_BEING_REBUILT).fetchone()[0]:
                # a full comparison would retract them
                return
            # earlier looks have passed over the streams of an interval that is withheld no longer
            if replace_withheld(connection, list(withheld)):
                position = None
            load_number, published_to = position or (-1, NEVER)
            do(CHANGED, load_number=load_number, timeout_us=timeout_us)
            (late,) = do(ENDED_FROM, published_to=published_to).fetchone()
            do(ENDED, ended_from=late or published_to, published_to=published_to, ripe=ripe)
            # a full comparison may find what was published and is not there any more
            told_from = NEVER
            if position:
                told_from = do(TOLD_FROM).fetchone()[0] or published_to
            (batch,) = do(NEXT_BATCH).fetchone()
            (rows,) = do(
                TO_TELL,
                told_from=told_from,
                is_anew=position is None,
                batch=batch,
                batch_rows=BATCH_ROWS,
            ).fetchone()
            newest_load, over_before = do(NOW, timeout_us=timeout_us).fetchone()
            if rows:
                for statement in WRITE_DOWN:
                    do(statement, told_from=told_from, sink=self.sink)
            if rows or newest_load != load_number:
                do("delete from position")
                # all that was over and ripe is published; the rest may come to be, though nothing
                # new arrives. A longer grace may take the moment back
                do(
                    SET_POSITION,
                    load_number=newest_load,
                    timeout_us=timeout_us,
                    published_to=min(ripe, over_before or NEVER),
                )


def replace_withheld(connection, intervals: list[tuple[datetime, datetime]]) -> bool:
    """Store the intervals that are withheld; return whether a part of the stored ones no longer is.

    Neither the stored intervals nor the new ones overlap among themselves.
    """
    stored = connection.execute("from withheld").fetchall()
    connection.execute("delete from withheld")
    for interval in intervals:
        connection.execute("insert into withheld values (?, ?)", interval)
    return not all(
        any(begins <= begins_at and ends_at <= ends for begins, ends in intervals)
        for begins_at, ends_at in stored
    )


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
