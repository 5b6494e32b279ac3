with events as (
    select * from {{ ref('int_web__events_sessionized') }}
    where reject_reason is null and not is_duplicate
)

select
    event_name,
    count(*) as events,
    count(case when is_ignored then 1 end) as ignored_events
from events
group by event_name
