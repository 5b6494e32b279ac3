{{ config(
    materialized='incremental',
    incremental_strategy='replace_islands',
    on_schema_change='fail',
    meta={'input': 'events', 'partition_by': ['visitor'], 'island_end': 'ended_at'}
) }}
{%- set newest = '(select coalesce(max(load_number), 0) from ' ~ this ~ ')' -%}
{%- set adds = dwell.can_query() and is_incremental() -%}
{%- set seen = newest if adds else 0 -%}

with changed_events as (
    select *
    from {{ ref('int_web__events_sessionized') }}
    where
        session_started_at is not null
        and not is_duplicate
        -- what this table has not seen, whichever run wrote it
        and load_number > {{ seen }}
),

recomputed as (
    select
        {{ dwell.agreed('user_id') }} as user_id,
        {{ dwell.agreed('device_id') }} as device_id,
        min(island_started_at) as island_started_at,
        session_started_at as started_at,
        max(event_at) as ended_at,
        count(*) as event_count,
        max(load_number) as load_number
    from changed_events
    group by {{ dwell.visitor() | join(', ') }}, session_started_at
),
{% if adds %}
recomputed_runs as (
    select
        {{ dwell.visitor_as_key() }},
        island_started_at,
        max(ended_at) as island_ended_at,
        max(load_number) as load_number
    from recomputed
    group by visitor_key_1, visitor_key_2, island_started_at
),

changed_visitors as (
    select
        visitor_key_1,
        visitor_key_2,
        min(island_started_at) as first_changed_at,
        max(load_number) as load_number
    from recomputed_runs
    group by visitor_key_1, visitor_key_2
),

stored as (
    select
        sessions.*,
        changed_visitors.first_changed_at,
        changed_visitors.load_number as new_load_number
    from (
        select *, {{ dwell.visitor_as_key() }}
        from {{ this }}
        where load_number >= {{ dwell.current_generation(dwell.input('events')) }}
    ) as sessions
    inner join changed_visitors
        on
            sessions.visitor_key_1 = changed_visitors.visitor_key_1
            and sessions.visitor_key_2 = changed_visitors.visitor_key_2
),

earlier as (
    select
        visitor_key_1,
        visitor_key_2,
        count(*) as session_count,
        max(ended_at) as last_ended_at
    from stored
    where started_at < first_changed_at
    group by visitor_key_1, visitor_key_2
),

-- the visitor's later sessions stay what they are, but for their number and what came before them
later as (
    select *
    from stored
    where
        started_at >= first_changed_at
        and not exists (
            select 1
            from recomputed_runs
            where
                recomputed_runs.visitor_key_1 = stored.visitor_key_1
                and recomputed_runs.visitor_key_2 = stored.visitor_key_2
                and stored.island_started_at between recomputed_runs.island_started_at
                and recomputed_runs.island_ended_at
        )
),

to_number as (
    select *, {{ dwell.visitor_as_key() }}
    from recomputed
    union all
    select
        user_id,
        device_id,
        island_started_at,
        started_at,
        ended_at,
        event_count,
        new_load_number as load_number,
        visitor_key_1,
        visitor_key_2
    from later
),

numbered as (
    select
        to_number.*,
        coalesce(earlier.session_count, 0)
        + row_number() over (
            partition by to_number.visitor_key_1, to_number.visitor_key_2
            order by to_number.started_at
        ) as session_number,
        coalesce(
            lag(to_number.ended_at) over (
                partition by to_number.visitor_key_1, to_number.visitor_key_2
                order by to_number.started_at
            ),
            earlier.last_ended_at
        ) as previous_ended_at
    from to_number
    left join earlier
        on
            to_number.visitor_key_1 = earlier.visitor_key_1
            and to_number.visitor_key_2 = earlier.visitor_key_2
)
{% else %}
numbered as (
    select
        *,
        row_number() over (
            partition by {{ dwell.visitor() | join(', ') }} order by started_at
        ) as session_number,
        lag(ended_at) over (
            partition by {{ dwell.visitor() | join(', ') }} order by started_at
        ) as previous_ended_at
    from recomputed
)
{% endif %}
select
    {{ dwell.session_id('started_at') }} as session_id,
    user_id,
    device_id,
    -- a number of rows is 32 bits wide on Spark, until something is added to it
    cast(session_number as {{ dbt.type_bigint() }}) as session_number,
    island_started_at,
    started_at,
    ended_at,
    previous_ended_at,
    event_count,
    load_number
from numbered
