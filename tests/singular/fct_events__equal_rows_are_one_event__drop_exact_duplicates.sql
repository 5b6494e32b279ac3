{{ config(severity='warn') }}
-- Where times are whole seconds, rows that are equal in all columns may be several events of one
-- second, as of a quick hand, and drop_exact_duplicates counts one of them. If they are, set it to
-- false, or name an id of the event in events_columns: {event_id: ...}. One in a hundred is many.
with times as (
    select
        count(*) as events,
        sum({{ dwell.microseconds_between(dbt.date_trunc('second', 'event_at'), 'event_at') }})
            as fractions
    from {{ ref('fct_events') }}
),

loads as (
    select coalesce(sum(rows_duplicate), 0) as duplicates
    from {{ ref('event_reconciliation') }}
)

select
    times.events,
    loads.duplicates
from times
cross join loads
where
    times.fractions = 0
    and loads.duplicates > 0
    and loads.duplicates * 100 >= times.events
