-- depends_on: {{ ref('int_watch__streams') }}
with loads as (
    select * from {{ source('dwell_watch', 'dwell_heartbeat_loads') }}
    where source_number > 0
),

landed as (
    select * from {{ source('dwell_watch', 'dwell_heartbeats_landed') }}
),

-- messages of a topic are counted per partition, whichever files held them
counts as (
    select
        coalesce(landed.topic, landed.source) as source,
        landed.topic_partition,
        landed.first_offset,
        landed.last_offset,
        landed.rows_landed,
        landed.rows_accepted,
        landed.rows_rejected,
        landed.rows_redelivered
    from landed
    union all
    -- a source without rows has a row too
    select
        source,
        null as topic_partition,
        null as first_offset,
        null as last_offset,
        0 as rows_landed,
        0 as rows_accepted,
        0 as rows_rejected,
        0 as rows_redelivered
    from loads
    where rows_read = 0
),

by_source as (
    select
        source,
        topic_partition,
        min(first_offset) as first_offset,
        max(last_offset) as last_offset,
        cast(sum(rows_landed) as {{ dbt.type_bigint() }}) as rows_read,
        cast(sum(rows_accepted) as {{ dbt.type_bigint() }}) as rows_accepted,
        cast(sum(rows_rejected) as {{ dbt.type_bigint() }}) as rows_rejected,
        cast(sum(rows_redelivered) as {{ dbt.type_bigint() }}) as rows_redelivered
    from counts
    group by source, topic_partition
)

select
    source,
    topic_partition,
    first_offset,
    last_offset,
    rows_read,
    rows_accepted,
    rows_rejected,
    rows_redelivered,
    rows_read = rows_accepted + rows_rejected + rows_redelivered as is_balanced
from by_source
