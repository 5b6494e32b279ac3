with streams as (
    select * from {{ ref('int_watch__streams_with_status') }}
)

select
    user_id,
    program_id,
    start_time,
    session_id,
    device,
    watched_seconds,
    stream_id,
    began_at,
    first_heartbeat_at,
    last_heartbeat_at,
    {{ dwell.later_by('last_heartbeat_at', dwell.watch_timeout_us()) }} as would_end_at,
    heartbeats
from streams
where not is_ended
