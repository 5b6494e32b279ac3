with streams as (
    select * from {{ ref('int_watch__streams') }}
),

clock as (
    select * from {{ ref('int_watch__clock') }}
)

select
    streams.user_id,
    streams.program_id,
    streams.start_time,
    streams.session_id,
    streams.device,
    {{ dwell.seconds_between('streams.began_at', 'streams.last_heartbeat_at') }}
        as watched_seconds,
    {{ dwell.stream_id() }} as stream_id,
    streams.began_at,
    streams.first_heartbeat_at,
    streams.last_heartbeat_at,
    {{ dwell.silent_until('streams.last_heartbeat_at') }} as would_end_at,
    streams.heartbeats
from streams
inner join clock on {{ dwell.silent_until('streams.last_heartbeat_at') }} >= clock.reached_at
