select
    device_id as cookie,
    count(*) as visits,
    sum(event_count) as hits,
    max(ended_at) as last_seen_at
from {{ ref('dwell', 'fct_sessions') }}
group by device_id
