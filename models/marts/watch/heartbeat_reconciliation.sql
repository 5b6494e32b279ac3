-- depends_on: {{ ref('int_watch__streams') }}
with loads as (
    select * from {{ source('dwell_watch', 'dwell_heartbeat_loads') }}
    where source_number > 0
),

landed as (
    select * from {{ source('dwell_watch', 'dwell_heartbeats_landed') }}
),

-- a source of no rows has landed nothing, and has its row all the same
by_place as (
    select
        coalesce(landed.topic, loads.source) as source,
        landed.topic_partition,
        min(landed.first_offset) as first_offset,
        max(landed.last_offset) as last_offset,
        cast(coalesce(sum(landed.rows_landed), 0) as bigint) as rows_read,
        cast(coalesce(sum(landed.rows_accepted), 0) as bigint) as rows_accepted,
        cast(coalesce(sum(landed.rows_rejected), 0) as bigint) as rows_rejected,
        cast(coalesce(sum(landed.rows_landed_before), 0) as bigint) as rows_landed_before
    from loads
    left join landed on loads.source_number = landed.source_number
    group by coalesce(landed.topic, loads.source), landed.topic_partition
)

select
    source,
    topic_partition,
    first_offset,
    last_offset,
    rows_read,
    rows_accepted,
    rows_rejected,
    rows_landed_before,
    rows_read = rows_accepted + rows_rejected + rows_landed_before as is_balanced
from by_place
