"""A database of streams by hand, with what the ledger reads of dbt's: quick to make and change."""

from datetime import datetime, timedelta
from typing import NamedTuple

import duckdb

NOON = datetime(2025, 3, 18, 12)
# streams are over by then
LATER = NOON + timedelta(days=30)


class Stream(NamedTuple):
    """A stream; times are datetimes (UTC)."""

    session: str
    first: datetime = NOON
    seconds: int = 30
    start: datetime | None = None
    # when viewing began: the first heartbeat, unless a test sets it
    began: datetime | None = None
    heartbeats: int = 2


TABLES = """
create or replace table dwell_heartbeat_loads (load_number bigint, settings varchar);
create or replace table dwell_heartbeat_load_ids (load_number bigint, load_id varchar);
create or replace table dwell_heartbeats_waiting (is_rebuilding boolean);
create or replace table int_watch__watermark as select timestamp '{now}' as watermark_at;
create or replace table int_watch__streams (
    user_id varchar, program_id varchar, start_time timestamp, session_id varchar, device varchar,
    first_heartbeat_at timestamp, last_heartbeat_at timestamp, began_at timestamp,
    heartbeats bigint, load_number bigint
);
create or replace view fct_watch_streams as
select
    user_id, program_id, start_time, session_id, device,
    epoch(last_heartbeat_at - began_at)::double as stream_duration,
    md5(session_id || start_time || first_heartbeat_at) as stream_id,
    began_at, first_heartbeat_at, last_heartbeat_at, heartbeats
from int_watch__streams
cross join int_watch__watermark
where last_heartbeat_at + to_seconds({timeout}) < watermark_at
"""


def build(path, streams, load_id="a", number=1, timeout=60, now=LATER):
    """Make a database from scratch, by one load."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES.format(timeout=timeout, now=now))
        settings = f'{{"watch_timeout_seconds": {timeout}}}'
        connection.execute("insert into dwell_heartbeat_loads values ($1, $2)", [number, settings])
        connection.execute(
            "insert into dwell_heartbeat_load_ids values ($1, $2)", [number, load_id]
        )
        store(connection, streams, number)


def add(path, streams, load_id, number):
    """Add a load, whose streams replace those of their sessions."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into dwell_heartbeat_loads select $1, max(settings) from dwell_heartbeat_loads",
            [number],
        )
        connection.execute(
            "insert into dwell_heartbeat_load_ids values ($1, $2)", [number, load_id]
        )
        for stream in streams:
            connection.execute(
                "delete from int_watch__streams where session_id = $1", [stream.session]
            )
        store(connection, streams, number)


def store(connection, streams, number):
    for stream in streams:
        last = stream.first + timedelta(seconds=stream.seconds)
        connection.execute(
            "insert into int_watch__streams values ($1, 'p', $2, $1, 'tv', $3, $4, $5, $6, $7)",
            [
                stream.session,
                stream.start or stream.first,
                stream.first,
                last,
                stream.began or stream.first,
                stream.heartbeats,
                number,
            ],
        )


def change(path, statement):
    """Change the database in a way that no load does."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(statement)
