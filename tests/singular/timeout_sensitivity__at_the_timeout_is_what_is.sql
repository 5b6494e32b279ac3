-- At the timeout in force, the sensitivity tells the sessions that there are: two ways to the same
-- numbers. Runs are compared, because the sensitivity knows no cuts.
with runs as (
    select
        {{ dwell.visitor_as_key() }},
        island_started_at,
        max(ended_at) as island_ended_at,
        sum(event_count) as events
    from {{ ref('fct_sessions') }}
    group by visitor_key_1, visitor_key_2, island_started_at
),

summary as (
    select
        count(*) as sessions,
        {{ dwell.mean_seconds(
            dwell.microseconds_between('island_started_at', 'island_ended_at')
        ) }} as mean_seconds,
        max(events) as most_events
    from runs
)

select told.*
from {{ ref('timeout_sensitivity') }} as told
cross join summary
cross join {{ ref('timeout_fit') }} as fit
where
    told.is_in_force
    and (
        told.sessions <> summary.sessions
        or told.sessions <> fit.sessions_at_the_timeout
        or told.most_events <> summary.most_events
        or abs(told.mean_duration_seconds - summary.mean_seconds) > 1e-9 * abs(summary.mean_seconds)
    )
