with events as (
    select *, {{ dwell.visitor_as_key() }}
    from {{ ref('int_web__events_sessionized') }}
    where reject_reason is null and not is_duplicate
),

sessions as (
    select *, {{ dwell.visitor_as_key() }}
    from {{ ref('int_web__sessions_numbered') }}
)

select
    sessions.session_id,
    sessions.session_number,
    events.event_name,
    events.user_id,
    events.device_id,
    events.app_version,
    events.client,
    events.event_at,
    events.is_ignored,
    events.island_started_at
from events
left join sessions
    on
        events.visitor_key_1 = sessions.visitor_key_1
        and events.visitor_key_2 = sessions.visitor_key_2
        and events.session_started_at = sessions.started_at
