{{ config(
    materialized='incremental',
    incremental_strategy='replace_islands',
    on_schema_change='fail',
    meta={'input': 'events', 'island_key': ['visitor'], 'island_end': 'ended_at'}
) }}
{%- set newest_load = '(select coalesce(max(load_number), 0) from ' ~ this ~ ')' -%}
{%- set adds = dwell.can_query() and is_incremental() %}

-- events of the loads that this table lacks, whichever run stored them; all events of an affected
-- island have the number of the load that affects it
with events as (
    select *
    from {{ ref('int_web__events_sessionized') }}
    where
        session_started_at is not null
        and not is_duplicate
        and load_number > {{ newest_load if adds else 0 }}
),

sessions as (
    select
        {{ dwell.agreed('user_id') }} as user_id,
        {{ dwell.agreed('device_id') }} as device_id,
        min(island_started_at) as island_started_at,
        session_started_at as started_at,
        max(event_at) as ended_at,
        count(*) as event_count,
        max(load_number) as load_number
    from events
    group by {{ dwell.visitor() | join(', ') }}, session_started_at
)

select
    {{ dwell.session_id('started_at') }} as session_id,
    user_id,
    device_id,
    island_started_at,
    started_at,
    ended_at,
    event_count,
    load_number
from sessions
