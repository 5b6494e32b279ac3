-- Each session is on one day of one user. Without this, a session could count on two days, or on none.
select told.sessions, told.events
from (
    select coalesce(sum(sessions), 0) as sessions, coalesce(sum(events), 0) as events
    from {{ ref('user_daily_sessions') }}
) as told
cross join {{ ref('session_summary') }} as summary
where told.sessions <> summary.sessions or told.events <> summary.events
