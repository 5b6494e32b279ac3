-- Events in sessions and events that are no activity are together all accepted events, and so is
-- the sum over days. Without this, a join that loses or doubles events would change every answer
-- unnoticed.
with accepted as (
    select coalesce(sum(rows_accepted), 0) as events from {{ ref('event_reconciliation') }}
),

ignored as (
    select count(*) as events from {{ ref('fct_events') }}
    where is_ignored
),

counted as (
    select
        'fct_events' as mart,
        count(*) as events
    from {{ ref('fct_events') }}

    union all

    select
        'fct_sessions and ignored events' as mart,
        coalesce(sum(event_count), 0) + (select ignored.events from ignored) as events
    from {{ ref('fct_sessions') }}

    union all

    select
        'session_summary and ignored events' as mart,
        max(events) + (select ignored.events from ignored) as events
    from {{ ref('session_summary') }}

    union all

    select
        'daily_activity' as mart,
        coalesce(sum(events + ignored_events), 0) as events
    from {{ ref('daily_activity') }}
)

select
    counted.mart,
    counted.events,
    accepted.events as accepted_events
from counted
cross join accepted
where counted.events <> accepted.events
