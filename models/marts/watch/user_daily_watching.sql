with stream_days as (
    select * from {{ ref('int_watch__stream_days') }}
)

select
    watch_date,
    user_id,
    count(distinct session_id) as sessions,
    count(*) as streams,
    {{ dwell.as_seconds('sum(watched_us)') }} as watched_seconds
from stream_days
group by watch_date, user_id
