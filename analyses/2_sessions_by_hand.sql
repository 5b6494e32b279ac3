-- What is a session? The rule in its shortest form, on the events themselves: LAG finds the gap
-- before each event, a gap over the timeout begins a session, and a running sum numbers the
-- sessions.
with gaps as (
    select
        user_id,
        device_id,
        event_at,
        event_at - lag(event_at) over (partition by user_id, device_id order by event_at) as gap
    from {{ ref('fct_events') }}
    where not is_ignored
),

numbered as (
    select
        *,
        sum(
            case
                when gap <= interval '{{ var('session_timeout_minutes') }} minutes' then 0
                else 1
            end
        )
            over (
                partition by user_id, device_id
                order by event_at
                rows between unbounded preceding and current row
            ) as session_number
    from gaps
)

select
    user_id,
    device_id,
    session_number,
    min(event_at) as started_at,
    max(event_at) as ended_at,
    count(*) as event_count
from numbered
group by user_id, device_id, session_number
order by user_id, device_id, session_number
