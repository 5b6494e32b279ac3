-- Events in sessions and events that are no activity are together all accepted events, and so is the sum
-- over days. Without this, a join that loses or doubles events would change every answer unnoticed.
with accepted as (
    select coalesce(sum(rows_accepted), 0) as events from {{ ref('event_reconciliation') }}
),

told as (
    select 'fct_events' as mart, count(*) as events from {{ ref('fct_events') }}
    union all
    select
        'fct_sessions and ignored events',
        coalesce((select sum(event_count) from {{ ref('fct_sessions') }}), 0)
        + (select count(*) from {{ ref('fct_events') }} where is_ignored)
    union all
    select 'daily_activity', coalesce(sum(events + ignored_events), 0) from {{ ref('daily_activity') }}
    union all
    select
        'session_summary and ignored events',
        (select events from {{ ref('session_summary') }})
        + (select count(*) from {{ ref('fct_events') }} where is_ignored)
)

select told.*, accepted.events as accepted_events
from told
cross join accepted
where told.events <> accepted.events
