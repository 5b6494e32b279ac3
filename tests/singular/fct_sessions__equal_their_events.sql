-- The session table is kept up by marks, not by reading all events: here all events are read.
-- Without this, a session that an incremental run forgot would stay forgotten.
with from_events as (
    select
        session_id,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        count(*) as event_count
    from {{ ref('fct_events') }}
    where session_id is not null
    group by session_id
)

select coalesce(s.session_id, e.session_id) as session_id
from {{ ref('fct_sessions') }} as s
full outer join from_events as e on s.session_id = e.session_id
where
    s.started_at is distinct from e.started_at
    or s.ended_at is distinct from e.ended_at
    or s.event_count is distinct from e.event_count
