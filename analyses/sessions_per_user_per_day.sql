-- How many sessions does a user have on a day? How often each number occurs.
select
    sessions,
    count(*) as user_days
from {{ ref('user_daily_sessions') }}
group by sessions
order by sessions
