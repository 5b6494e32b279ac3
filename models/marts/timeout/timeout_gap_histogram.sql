{{ config(materialized='table') }}

-- not named gaps, for so is a column, and BigQuery would take the one for the other
with sizes as (
    select * from {{ ref('int_web__gaps') }}
),

binned as (
    select
        size_bin,
        cast(sum(gaps) as {{ dbt.type_bigint() }}) as gaps,
        cast(sum(case when is_between_islands then gaps else 0 end) as {{ dbt.type_bigint() }})
            as gaps_between_islands
    from sizes
    group by size_bin
)

select
    power(10, {{ dwell.double('size_bin') }} / 20) as seconds_from,
    power(10, {{ dwell.double('size_bin + 1') }} / 20) as seconds_to,
    {{ dwell.double('size_bin') }} / 20 + {{ dwell.double('0.025') }} as log10_seconds,
    gaps,
    gaps_between_islands,
    {{ dwell.double('gaps') }} / sum(gaps) over () as share
from binned
order by size_bin
