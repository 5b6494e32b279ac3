-- A crawler's hits are nobody's visit.
select
    customer_number,
    cookie,
    page,
    hit_at,
    received_at
from {{ source('app', 'hits') }}
where cookie <> 'crawler'
