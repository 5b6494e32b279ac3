-- At the timeout in force, the sensitivity equals the sessions that exist: two ways to the same
-- numbers. Islands are compared, because the sensitivity knows no cuts.
with islands as (
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
    from islands
)

select sensitivity.*
from {{ ref('timeout_sensitivity') }} as sensitivity
cross join summary
cross join {{ ref('timeout_fit') }} as fit
where
    sensitivity.is_in_force
    and (
        sensitivity.sessions <> summary.sessions
        or sensitivity.sessions <> fit.sessions_at_the_timeout
        or sensitivity.most_events <> summary.most_events
        or abs(sensitivity.mean_duration_seconds - summary.mean_seconds)
        > 1e-9 * abs(summary.mean_seconds)
    )
