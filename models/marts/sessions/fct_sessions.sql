with sessions as (
    select * from {{ ref('int_web__sessions_numbered') }}
)

select
    session_id,
    user_id,
    device_id,
    session_number,
    started_at,
    ended_at,
    event_count,
    {{ dwell.seconds_between('started_at', 'ended_at') }} as duration_seconds,
    event_count = 1 as is_single_event,
    {{ dwell.seconds_between('previous_ended_at', 'started_at') }}
        as seconds_since_previous_session,
    island_started_at
from sessions
