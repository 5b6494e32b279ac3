-- On which day was there most activity? All days, the busiest first.
select
    activity_date,
    events,
    sessions_started
from {{ ref('daily_activity') }}
order by events desc, activity_date asc
