with loads as (
    select * from {{ source('dwell', 'dwell_event_loads') }}
    where source_number > 0
),

stored as (
    select
        source_number,
        count(case when reject_reason is null and not is_duplicate then 1 end) as rows_accepted,
        count(case when is_duplicate then 1 end) as rows_duplicate,
        count(case when reject_reason is not null then 1 end) as rows_rejected
    from {{ ref('int_web__events_sessionized') }}
    group by source_number
),

-- a relation that is read by load time has a load per run
by_source as (
    select
        loads.source,
        max(loads.modified_at) as modified_at,
        cast(sum(loads.rows_read) as {{ dbt.type_bigint() }}) as rows_read,
        cast(coalesce(sum(stored.rows_accepted), 0) as {{ dbt.type_bigint() }}) as rows_accepted,
        cast(coalesce(sum(stored.rows_duplicate), 0) as {{ dbt.type_bigint() }}) as rows_duplicate,
        cast(coalesce(sum(stored.rows_rejected), 0) as {{ dbt.type_bigint() }}) as rows_rejected
    from loads
    left join stored on loads.source_number = stored.source_number
    group by loads.source
)

select
    source,
    modified_at,
    rows_read,
    rows_accepted,
    rows_duplicate,
    rows_rejected,
    rows_read = rows_accepted + rows_duplicate + rows_rejected as is_balanced
from by_source
