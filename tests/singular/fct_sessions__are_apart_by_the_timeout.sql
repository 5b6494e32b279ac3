-- Two sessions of a visitor in different runs are more than the timeout apart; in one run, the
-- later begins after the earlier ends. Without this, late events could leave two sessions where
-- one is.
select session_id
from {{ ref('fct_sessions') }}
where
    seconds_since_previous_session <= 0
    or (
        started_at = island_started_at
        and seconds_since_previous_session <= {{ var('session_timeout_minutes') | float * 60 }}
    )
