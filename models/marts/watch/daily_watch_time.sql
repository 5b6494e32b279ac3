with stream_days as (
    select * from {{ ref('int_watch__stream_days') }}
)

select
    watch_date,
    count(distinct user_id) as viewers,
    count(distinct session_id) as sessions,
    count(*) as streams,
    cast(sum(watched_us) as double) / 1000000.0e0 as watched_seconds
from stream_days
group by watch_date
