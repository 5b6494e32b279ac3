-- What is the average session duration? Three ways, in minutes.
select
    avg(duration_seconds) / 60 as mean_minutes,
    avg(case when not is_single_event then duration_seconds end) / 60
        as mean_minutes_without_single_event_sessions,
    median(duration_seconds) / 60 as median_minutes
from {{ ref('fct_sessions') }}
