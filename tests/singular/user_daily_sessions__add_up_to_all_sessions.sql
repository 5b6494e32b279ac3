-- Each session is on one day of one user. Without this, a session could count on two days, or on
-- none.
with by_user as (
    select
        coalesce(sum(sessions), 0) as sessions,
        coalesce(sum(events), 0) as events
    from {{ ref('user_daily_sessions') }}
)

select
    by_user.sessions,
    by_user.events
from by_user
cross join {{ ref('session_summary') }} as all_sessions
where by_user.sessions <> all_sessions.sessions or by_user.events <> all_sessions.events
