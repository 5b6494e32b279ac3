-- What is the highest number of events in a session? The largest sessions.
select
    session_id,
    user_id,
    device_id,
    started_at,
    event_count,
    duration_seconds
from {{ ref('fct_sessions') }}
order by event_count desc, started_at asc
limit 10
