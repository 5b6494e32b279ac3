with streams as (
    select * from {{ ref('int_watch__streams_with_status') }}
)

select
    user_id,
    program_id,
    start_time,
    session_id,
    device,
    watched_seconds as stream_duration,
    stream_id,
    began_at,
    first_heartbeat_at,
    last_heartbeat_at,
    heartbeats
from streams
where is_ended
