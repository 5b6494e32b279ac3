"""The same work by hand, to compare with: python bench/floor.py PART FILE [DATABASE].

full       what `dbt run` stores, in few DuckDB statements, the fastest of several ways tried
sessions   sessions alone in DuckDB: what the macro island_bounds compiled to, in the file DATABASE
polars     sessions alone in Polars
heartbeats landing files in the folder FILE as streams, with rejects and what landed of partitions

Prints the number of sessions or streams, of events in them, and their durations in seconds, so
that it can be seen that all have done the same work.
"""

import sys
from pathlib import Path

import duckdb

TIMEOUT_US = 30 * 60 * 1_000_000
COLUMNS = ("event_name", "user_id", "app_version", "event_time", "device_id", "client")


def trimmed(column):
    """Trim spaces, tabs and line ends; the slow function runs only on values that have any."""
    has_any = " or ".join(f"contains({column}, chr({code}))" for code in (9, 10, 13))
    return f"""case
        when {column} like ' %' or {column} like '% ' or {has_any}
            then nullif(trim({column}, ' ' || chr(9) || chr(10) || chr(13)), '')
        when {column} <> '' then {column}
    end"""


def read(file):
    """Return the SQL that reads a file, and the SQL of the number of a row."""
    if file.suffix == ".parquet":
        return f"read_parquet('{file}', file_row_number = true)", "file_row_number + 1"
    columns = ", ".join(f"'{column}': 'varchar'" for column in COLUMNS)
    return (
        f"read_csv('{file}', auto_detect = false, header = true, delim = ',', quote = '\"',"
        f" escape = '\"', columns = {{{columns}}}, ignore_errors = true)",
        "row_number() over ()",
    )


def full(file, database):
    """Write the tables of a full run: two big ones, and five small ones from these."""
    connection = duckdb.connect()
    connection.execute(
        f"attach '{database}' as floor (storage_version 'v1.4.0'); use floor;"
        "set threads = 2; set preserve_insertion_order = false; set timezone = 'UTC'"
    )
    source, row_number = read(file)
    time = "event_time"
    if file.suffix == ".csv":
        time = "make_timestamp(epoch_us(try_cast(event_time as timestamptz)))"
    connection.execute(f"""
        create table events as
        with cleaned as (
            select
                lower({trimmed("event_name")}) as event_name,
                {trimmed("user_id")} as user_id,
                {trimmed("app_version")} as app_version,
                {trimmed("device_id")} as device_id,
                lower({trimmed("client")}) as client,
                {time} as event_at,
                event_time as raw_time,
                {row_number} as row_number
            from {source}
        ),
        validated as (
            select *, case
                when user_id is null and device_id is null then 'missing_user_and_device'
                when event_at is null and coalesce(raw_time::varchar, '') = ''
                    then 'missing_event_time'
                when event_at is null then 'unreadable_event_time'
                when event_at < timestamp '2000-01-01' then 'before_earliest_event_date'
                when event_at > now()::timestamp + interval '60 minutes' then 'in_the_future'
            end as reject_reason
            from cleaned
        ),
        events as (
            select
                * exclude (raw_time, row_number) replace (
                    -- a rejected row is no event of a visitor
                    case when reject_reason is null then event_at end as event_at,
                    case when reject_reason is null then user_id end as user_id,
                    case when reject_reason is null then device_id end as device_id,
                    case when reject_reason is null then event_name end as event_name,
                    case when reject_reason is null then app_version end as app_version,
                    case when reject_reason is null then client end as client
                ),
                case when reject_reason is not null then row_number end as read_position,
                case when reject_reason is not null then json_object(
                    'event_name', event_name, 'user_id', user_id, 'app_version', app_version,
                    'event_time', raw_time, 'device_id', device_id, 'client', client
                )::varchar end as rejected_row,
                hash(event_name, app_version, client) as details
            from validated
        ),
        ordered as (
            select
                * exclude (details),
                epoch_us(event_at) - epoch_us(lag(event_at) over of_visitor) as gap_us,
                coalesce(
                    event_at = lag(event_at) over of_visitor
                    and details = lag(details) over of_visitor, false
                ) as is_duplicate
            from events
            window of_visitor as (partition by user_id, device_id order by event_at, details)
        ),
        runs as (
            select *, max(
                case when gap_us is null or gap_us > {TIMEOUT_US} then event_at end
            ) over (
                partition by user_id, device_id order by event_at, gap_us desc nulls first
                rows unbounded preceding
            ) as island_started_at
            from ordered
        )
        select
            user_id, device_id, event_name, app_version, client, event_at, island_started_at,
            island_started_at as session_started_at,
            case when island_started_at < event_at then gap_us end as gap_us,
            false as is_ignored, is_duplicate, reject_reason, rejected_row, 1 as source_number,
            read_position, null::timestamp as received_at, 1::bigint as load_number
        from runs
    """)
    connection.execute("""
        create table sessions as
        with grouped as (
            select
                user_id, device_id, session_started_at as started_at, max(event_at) as ended_at,
                count(*) as event_count
            from events
            where session_started_at is not null and not is_duplicate
            group by all
        )
        select
            md5(
                coalesce(length(user_id) || ':' || user_id, '-') || '|'
                || coalesce(length(device_id) || ':' || device_id, '-') || '|'
                || epoch_us(started_at)
            ) as session_id,
            user_id, device_id, row_number() over of_visitor as session_number,
            started_at as island_started_at, started_at, ended_at,
            lag(ended_at) over of_visitor as previous_ended_at, event_count,
            1::bigint as load_number
        from grouped
        window of_visitor as (partition by user_id, device_id order by started_at);

        create table daily_activity as
        select
            *, coalesce(sessions_started, 0) as sessions,
            events = max(events) over () as is_busiest
        from (
            select event_at::date as activity_date, count(*) as events from events
            where reject_reason is null and not is_duplicate group by all
        )
        left join (
            select started_at::date as activity_date, count(*) as sessions_started from sessions
            group by all
        ) using (activity_date);

        create table session_summary as
        select
            count(*) as sessions, count(*) filter (session_number = 1) as visitors,
            sum(event_count) as events, count(*) filter (event_count = 1) as single_event_sessions,
            avg(event_count) as mean_events, max(event_count) as most_events,
            avg(us) as mean_us, avg(us) filter (event_count > 1) as mean_us_without_single_event,
            median(us) as median_us, max(us) as longest_us, min(started_at), max(ended_at)
        from (select *, epoch_us(ended_at) - epoch_us(started_at) as us from sessions);

        create table gaps as
        select
            floor(log10(gap_us / 1e6) * 20)::integer as size_bin,
            case
                when gap_us > 7200e6 then 120 when gap_us > 3600e6 then 60
                when gap_us > 2700e6 then 45 when gap_us > 1800e6 then 30
                when gap_us > 1200e6 then 20 when gap_us > 900e6 then 15
                when gap_us > 600e6 then 10 when gap_us > 300e6 then 5
            end as over_minutes,
            is_between_islands, count(*) as gaps, sum(gap_us) / 1e6 as gap_seconds
        from (
            select gap_us, false as is_between_islands from events
            where gap_us > 0 and not is_duplicate
            union all
            select epoch_us(started_at) - epoch_us(previous_ended_at), true from sessions
            where previous_ended_at is not null
        )
        group by all;

        create table gap_histogram as
        select size_bin, sum(gaps) as gaps, sum(gaps) filter (is_between_islands) as gaps_between
        from gaps group by all order by size_bin;

        -- views in dwell, except for the count that proves that each row has arrived
        create table reconciliation as
        select
            count(*) as rows_read,
            count(*) filter (reject_reason is null and not is_duplicate) as rows_accepted,
            count(*) filter (is_duplicate) as rows_duplicate,
            count(reject_reason) as rows_rejected
        from events;
    """)
    return connection.execute(f"select {TOTALS} from sessions").fetchone()


TOTALS = """
    count(*), sum(event_count)::bigint,
    (sum(epoch_us(ended_at) - epoch_us(started_at)) / 1000000)::double
"""


def sessions(file, compiled):
    """Sessions in DuckDB; without cleaning and duplicates, on the columns that it takes."""
    connection = duckdb.connect()
    connection.execute(f"""
        set threads = 2;
        set preserve_insertion_order = false;
        create view events as
        select user_id, device_id, event_time
        from '{file}'
        where event_time >= timestamp '2000-01-01'
            and (user_id is not null or device_id is not null)
    """)
    return connection.execute(f"""
        select {TOTALS}
        from (
            select island_started_at as started_at, island_ended_at as ended_at, event_count
            from ({Path(compiled).read_text()})
        )
    """).fetchone()


HEARTBEAT = ("user_id", "program_id", "start_time", "session_id", "device", "event_time")


def heartbeats(folder, database):
    """Streams of landing files that hold no message twice: each payload is parsed once."""
    connection = duckdb.connect()
    connection.execute(
        f"attach '{database}' as floor; use floor; set threads = 2; set timezone = 'UTC';"
        "set preserve_insertion_order = false"
    )
    structure = ", ".join(f'"{name}": "VARCHAR"' for name in HEARTBEAT)
    connection.execute(f"""
        create temporary table batch as
        with parsed as (
            select
                "partition", "offset", received_at, payload,
                from_json(try_cast(try(decode(payload)) as json), '{{{structure}}}') as parsed
            from read_parquet('{folder}/*.parquet')
        ),
        typed as (
            select
                "partition", "offset", received_at, payload, parsed,
                {trimmed("parsed.user_id")} as user_id,
                {trimmed("parsed.program_id")} as program_id,
                {trimmed("parsed.session_id")} as session_id,
                {trimmed("parsed.device")} as device,
                make_timestamp(epoch_us(try_cast(parsed.start_time as timestamptz))) as start_time,
                make_timestamp(epoch_us(try_cast(parsed.event_time as timestamptz))) as event_at
            from parsed
        ),
        validated as (
            select *, case
                when parsed is null then 'unreadable_row'
                when user_id is null then 'missing_user_id'
                when program_id is null then 'missing_program_id'
                when session_id is null then 'missing_session_id'
                when device is null then 'missing_device'
                when event_at is null then 'unreadable_event_time'
                when start_time is null then 'unreadable_start_time'
                when event_at < timestamp '2000-01-01' then 'before_earliest_event_date'
                when event_at > received_at + interval '60 minutes' then 'in_the_future'
            end as reject_reason
            from typed
        )
        select
            * exclude (payload, parsed),
            case when reject_reason is not null then payload end as payload
        from validated;

        create table rejects as
        select "partition", "offset", received_at, reject_reason, payload from batch
        where reject_reason is not null;

        create table landed as
        select
            "partition", min("offset"), max("offset"), count(*) as rows_landed,
            count(reject_reason) as rows_rejected, max(received_at),
            max(event_at) filter (reject_reason is null) as newest_event_at
        from batch group by all;

        create table streams as
        with ordered as (
            select
                session_id, user_id, device, program_id, start_time, event_at,
                event_at - lag(event_at) over of_stream as gap
            from batch
            where reject_reason is null
            window of_stream as (
                partition by session_id, user_id, device, program_id, start_time order by event_at
            )
        ),
        numbered as (
            select *, count(*) filter (gap > interval '60 seconds') over (
                partition by session_id, user_id, device, program_id, start_time
                order by event_at rows unbounded preceding
            ) as number
            from ordered
        )
        select
            session_id, user_id, device, program_id, start_time,
            min(event_at) as first_heartbeat_at, max(event_at) as last_heartbeat_at,
            count(*) as heartbeats,
            case
                when first_heartbeat_at - start_time between interval 0 second and interval 1 minute
                    then start_time
                else first_heartbeat_at
            end as began_at
        from numbered group by session_id, user_id, device, program_id, start_time, number;
    """)
    return connection.execute("""
        select
            count(*), sum(heartbeats)::bigint,
            (sum(epoch_us(last_heartbeat_at) - epoch_us(began_at)) / 1000000)::double
        from streams
    """).fetchone()


def polars(file, engine="streaming"):
    """Sessions in Polars: the fastest way found, a sort and then running over the rows."""
    import polars as pl

    visitor = ["user_id", "device_id"]
    starts = (
        pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in visitor)
        | ((pl.col("event_time") - pl.col("event_time").shift()) > pl.duration(minutes=30))
    ).fill_null(True)
    return (
        pl.scan_parquet(file)
        .select(*visitor, "event_time")
        .filter(
            pl.col("event_time") >= pl.datetime(2000, 1, 1),
            pl.any_horizontal(pl.col(name).is_not_null() for name in visitor),
        )
        .sort(*visitor, "event_time")
        .with_columns(starts.cum_sum().alias("session"))
        .group_by("session")
        .agg(
            pl.col("user_id").first(),
            pl.col("device_id").first(),
            pl.col("event_time").min().alias("started_at"),
            pl.col("event_time").max().alias("ended_at"),
            pl.len().alias("event_count"),
        )
        .select(
            pl.len().alias("sessions"),
            pl.col("event_count").sum().cast(pl.Int64).alias("events"),
            ((pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds().sum() / 1e6).alias(
                "seconds"
            ),
        )
        .collect(engine=engine)
        .row(0)
    )


if __name__ == "__main__":
    part, file, *rest = sys.argv[1:]
    parts = {"full": full, "sessions": sessions, "polars": polars, "heartbeats": heartbeats}
    print(*parts[part](Path(file), *rest))
