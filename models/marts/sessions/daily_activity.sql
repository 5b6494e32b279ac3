{{ config(materialized='table') }}

with events as (
    select * from {{ ref('int_web__events_sessionized') }}
    where reject_reason is null and not is_duplicate
),

sessions as (
    select *, {{ dwell.local_date('started_at') }} as started_on
    from {{ ref('int_web__sessions') }}
),

events_by_time as (
    select
        {{ dwell.same_day_time('event_at') }} as counted_at,
        count(case when not is_ignored then 1 end) as events,
        count(case when is_ignored then 1 end) as ignored_events
    from events
    group by {{ dwell.same_day_time('event_at') }}
),

events_by_day as (
    select
        {{ dwell.local_date('counted_at') }} as activity_date,
        sum(events) as events,
        sum(ignored_events) as ignored_events
    from events_by_time
    group by {{ dwell.local_date('counted_at') }}
),

sessions_by_day as (
    select
        started_on as activity_date,
        count(*) as sessions_started
    from sessions
    group by started_on
)

select
    events_by_day.activity_date,
    cast(events_by_day.events as {{ dbt.type_bigint() }}) as events,
    cast(events_by_day.ignored_events as {{ dbt.type_bigint() }}) as ignored_events,
    coalesce(sessions_by_day.sessions_started, 0) as sessions_started,
    events_by_day.events > 0
    and events_by_day.events = max(events_by_day.events) over () as is_busiest
from events_by_day
left join sessions_by_day on events_by_day.activity_date = sessions_by_day.activity_date
