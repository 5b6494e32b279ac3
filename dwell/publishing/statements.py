"""The SQL of the ledger: its tables, and how it finds what is to be published.

Bounds are parameters, by which DuckDB skips stored blocks, so that a statement does not read the
months before. Values are parameters, and names are quoted.
"""

from dwell.publishing import records

# The table without which a file is the ledger of another version of dwell.
LATEST = "latest_publications"

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
-- every record of every batch
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
-- the last record of each stream
create table if not exists latest_publications as from publications limit 0;
-- minutes of receipt whose invalid messages a user has accepted
create table if not exists accepted_minutes (received_minute timestamp primary key);
-- at the last comparison: a stream whose last heartbeat is in such an interval is not published
create table if not exists withheld (begins_at timestamp, ends_at timestamp);
create or replace view published_streams as
select * exclude (is_retracted) from latest_publications where not is_retracted;
"""

# A position holds for a database that has the load it names, and for the timeout it was found with.
# Any other database, and one that was restored or built from scratch, is compared in full.
POSITION = """
select p.load_number, p.published_to
from position as p
inner join {marts}.dwell_heartbeat_load_ids as i using (load_number, load_id)
where p.timeout_us = $timeout_us
"""
# Streams that were published may be missing because a rebuild in steps has not come to them yet.
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

# Streams that were written since the last comparison.
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

KEY = ("session_id", "user_id", "device", "program_id", "start_time")
HAS_SAME_KEY = " and ".join(f"c.{column} = {{0}}.{column}" for column in KEY)
# What is compared of a stream. A sink that was changed by hand may have another device for it.
COMPARED = ", ".join(
    f"{{0}}.{column}"
    for column in (*KEY, "stream_duration", "began_at", "last_heartbeat_at", "heartbeats")
)

# Streams that have ended: since the last comparison, or earlier, if they were written since.
ENDED = f"""
create or replace temp table ended as
select e.*
from {{marts}}.fct_watch_streams as e
where
    e.last_heartbeat_at >= $ended_from
    and e.last_heartbeat_at < $due_before
    and (
        e.last_heartbeat_at >= $published_to
        or exists (
            select 1 from changed as c
            where {HAS_SAME_KEY.format("e")} and c.first_heartbeat_at = e.first_heartbeat_at
        )
    )
    and not exists (
        select 1 from withheld as w
        where e.last_heartbeat_at >= w.begins_at and e.last_heartbeat_at < w.ends_at
    )
"""
ENDED_FROM = "select min(last_heartbeat_at) from changed where last_heartbeat_at < $published_to"

# A published stream may have become longer, and may have merged with others, but it does not end
# before it began.
COMPARED_FROM = """
select least(
    (select min(first_heartbeat_at) from changed), (select min(first_heartbeat_at) from ended)
)
"""

TO_PUBLISH = f"""
create or replace temp table to_publish as
with revisions as (
    select
        e.user_id, e.program_id, e.start_time, e.session_id, e.device, e.stream_duration,
        e.stream_id, coalesce(l.revision, 0) + 1 as revision, false as is_retracted,
        e.began_at, e.first_heartbeat_at, e.last_heartbeat_at, e.heartbeats,
        l.began_at as previous_began_at
    from ended as e
    left join latest_publications as l
        on e.stream_id = l.stream_id and l.last_heartbeat_at >= $compared_from
    where
        l.stream_id is null
        or l.is_retracted
        or ({COMPARED.format("l")}) is distinct from ({COMPARED.format("e")})
),

-- published, and since then merged into another stream, or begun earlier, or ongoing again
retractions as (
    select
        l.user_id, l.program_id, l.start_time, l.session_id, l.device, l.stream_duration,
        l.stream_id, l.revision + 1 as revision, true as is_retracted,
        l.began_at, l.first_heartbeat_at, l.last_heartbeat_at, l.heartbeats,
        l.began_at as previous_began_at
    from latest_publications as l
    where
        not l.is_retracted
        and l.last_heartbeat_at >= $compared_from
        and not exists (
            select 1 from changed as c
            where
                {HAS_SAME_KEY.format("l")}
                and c.first_heartbeat_at = l.first_heartbeat_at and c.is_ended
        )
        -- a new revision under the same id replaces the old one without a retraction
        and not exists (select 1 from revisions as r where r.stream_id = l.stream_id)
        and ($is_full or exists (
            select 1 from changed as c
            where
                {HAS_SAME_KEY.format("l")}
                and l.first_heartbeat_at between c.first_heartbeat_at and c.last_heartbeat_at
        ))
)

select
    $batch + (row_number() over (
        order by is_retracted desc, last_heartbeat_at, stream_id
    ) - 1) // $batch_rows as batch,
    *
from (from retractions union all from revisions) as all_of_them
"""

# The newest load, and the moment before which streams that have ended had their last heartbeat.
NEWEST_LOAD = """
select
    coalesce(max(load_number), 0),
    (select watermark_at - to_microseconds($timeout_us) from {marts}.int_watch__watermark)
from {marts}.dwell_heartbeat_loads
"""

NEXT_BATCH = "select coalesce(max(batch), 0) + 1 from batches"

STORE_BATCHES = (
    "insert into batches select distinct batch, now(), null from to_publish",
    "insert into publications select * exclude (previous_began_at) from to_publish",
    """
    insert into batch_days
    select distinct batch, cast(unnest([began_at, previous_began_at]) as date) from to_publish
    """,
    """
    delete from latest_publications
    where
        last_heartbeat_at >= $compared_from
        and stream_id in (select stream_id from to_publish)
    """,
    "insert into latest_publications select * exclude (previous_began_at) from to_publish",
    # from its first batch on, the ledger belongs to this sink
    "insert into sink select $sink where exists (from batches) and not exists (from sink)",
)

TIME_FORMAT = "'%Y-%m-%dT%H:%M:%S.%fZ'"
MESSAGES = f"""
select
    stream_id,
    json_object(
        'user_id', user_id,
        'program_id', program_id,
        'start_time', strftime(start_time, {TIME_FORMAT}),
        'session_id', session_id,
        'device', device,
        'stream_duration', stream_duration,
        'stream_id', stream_id,
        'revision', revision,
        'is_retracted', is_retracted,
        'began_at', strftime(began_at, {TIME_FORMAT}),
        'first_heartbeat_at', strftime(first_heartbeat_at, {TIME_FORMAT}),
        'last_heartbeat_at', strftime(last_heartbeat_at, {TIME_FORMAT}),
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

# The rows of a table, one JSON object per line, become what was published.
EMPTIED = (
    "publications",
    "latest_publications",
    "batches",
    "batch_days",
    "position",
    "sink",
    "identity",
)
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
    insert into latest_publications from publications
    qualify row_number() over (partition by stream_id order by revision desc) = 1
    """,
    "insert into sink select $sink",
    "insert into identity select $identity",
)
