{%- set days = 18263 -%}
-- days from 2000 to 2049, whatever the data: MetricFlow asks for them
with first_day as (
    select cast('2000-01-01' as date) as date_day
)

select
    cast({{ dbt.dateadd('day', 'numbers.n - 1', 'first_day.date_day') }} as date) as date_day
from first_day
cross join {{ dwell.numbers_to(days) }} as numbers
where numbers.n <= {{ days }}
