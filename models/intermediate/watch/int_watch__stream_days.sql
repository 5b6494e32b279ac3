{{ config(materialized='view') }}

-- Streams, ended and ongoing, in parts that lie in one local day each.
with streams as (
    select
        *,
        {{ dwell.local_date('began_at') }} as first_date,
        {{ dwell.local_date('last_heartbeat_at') }} as last_date
    from {{ ref('int_watch__streams') }}
),

counted as (
    select
        *,
        {{ dwell.days_from('first_date', 'last_date') }} + 1 as days
    from streams
),

dated as (
    select
        counted.*,
        cast({{ dbt.dateadd('day', 'numbers.n - 1', 'counted.first_date') }} as date) as watch_date
    from counted
    cross join {{ dwell.numbers_to('counted.days') }} as numbers
    where numbers.n <= counted.days
),

by_day as (
    select
        *,
        {{ dwell.start_of_local_day('watch_date') }} as day_started_at,
        {{ dwell.start_of_local_day('cast(' ~ dbt.dateadd('day', 1, 'watch_date') ~ ' as date)') }}
            as day_ended_at
    from dated
)

select
    watch_date,
    user_id,
    session_id,
    {{ dwell.stream_id() }} as stream_id,
    {{ dwell.microseconds_between(
        'case when began_at < day_started_at then day_started_at else began_at end',
        'case when last_heartbeat_at > day_ended_at then day_ended_at else last_heartbeat_at end'
    ) }} as watched_us
from by_day
