{{ config(materialized='table') }}

with sessions as (
    select
        *,
        {{ dwell.microseconds_between('started_at', 'ended_at') }} as duration_us
    from {{ ref('int_web__sessions_numbered') }}
)

select
    count(*) as sessions,
    count(case when session_number = 1 then 1 end) as visitors,
    cast(coalesce(sum(event_count), 0) as {{ dbt.type_bigint() }}) as events,
    count(case when event_count = 1 then 1 end) as single_event_sessions,
    {{ dwell.double('sum(event_count)') }} / nullif(count(*), 0) as mean_events,
    max(event_count) as most_events,
    {{ dwell.mean_seconds('duration_us') }} as mean_duration_seconds,
    {{ dwell.mean_seconds('case when event_count > 1 then duration_us end') }}
        as mean_duration_seconds_without_single_event_sessions,
    {{ dwell.as_seconds(dwell.median('duration_us')) }} as median_duration_seconds,
    {{ dwell.as_seconds('max(duration_us)') }} as longest_duration_seconds,
    min(started_at) as first_started_at,
    max(ended_at) as last_ended_at
from sessions
