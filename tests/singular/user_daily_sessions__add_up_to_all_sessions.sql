-- Each session is on one day of one user. Without this, a session could count on two days, or on
-- none.
with told as (
    select
        coalesce(sum(sessions), 0) as sessions,
        coalesce(sum(events), 0) as events
    from {{ ref('user_daily_sessions') }}
)

select
    told.sessions,
    told.events
from told
cross join {{ ref('session_summary') }} as whole
where told.sessions <> whole.sessions or told.events <> whole.events
