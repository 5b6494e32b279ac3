-- depends_on: {{ ref('int_watch__streams') }}
with rejected as (
    select * from {{ source('dwell_watch', 'dwell_heartbeats_rejected') }}
),

loads as (
    select * from {{ source('dwell_watch', 'dwell_heartbeat_loads') }}
)

select
    coalesce(rejected.topic, rejected.source) as source,
    rejected.topic_partition,
    rejected.topic_offset,
    case
        when rejected.topic is null then abs(rejected.read_position) - case
            when rejected.read_position > 0 then loads.rows_before else 0
        end
    end as source_row,
    rejected.received_at,
    rejected.reject_reason,
    {%- for column in dwell.input('heartbeats').columns %}
    case
        when rejected.reject_reason <> 'unreadable_row'
            then {{ dwell.json_text('rejected.rejected_row', column) }}
    end as {{ column }},
    {%- endfor %}
    case
        when rejected.reject_reason = 'unreadable_row' then rejected.rejected_row
        else {{ dwell.json_text('rejected.rejected_row', 'message') }}
    end as unreadable_row
from rejected
-- a message is identified by its offset, and the record of its file may be gone
left join loads on rejected.source_number = loads.source_number
