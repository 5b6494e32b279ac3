-- A crawler's hits are no visits.
select
    customer_number,
    cookie,
    page,
    hit_at,
    received_at
from {{ source('app', 'hits') }}
where cookie <> 'crawler'
