with rejected as (
    select
        source_number,
        reject_reason,
        read_position,
        rejected_row,
        -- the reader numbers by the file what it cannot take apart, and counts the rest without it
        reject_reason = 'unreadable_row' and read_position < 0 as is_passed_over
    from {{ ref('int_web__events_sessionized') }}
    where reject_reason is not null
),

loads as (
    select * from {{ source('dwell', 'dwell_event_loads') }}
),

placed as (
    select
        rejected.*,
        loads.source,
        case
            when rejected.is_passed_over
                then -rejected.read_position - row_number() over (
                    partition by rejected.source_number, rejected.is_passed_over
                    order by -rejected.read_position
                )
            else rejected.read_position - loads.rows_before
        end as read_rows_up_to_here
    from rejected
    inner join loads on rejected.source_number = loads.source_number
),

numbered as (
    select
        *,
        case
            when is_passed_over then -read_position
            else read_rows_up_to_here + sum(case when is_passed_over then 1 else 0 end) over (
                partition by source_number
                order by read_rows_up_to_here, is_passed_over
                rows between unbounded preceding and current row
            )
        end as source_row
    from placed
)

select
    source,
    cast(source_row as bigint) as source_row,
    reject_reason,
    {%- for column in dwell.event_columns() %}
    case
        when reject_reason <> 'unreadable_row'
            then {{ dwell.json_text('rejected_row', column) }}
    end as {{ column }},
    {%- endfor %}
    case when reject_reason = 'unreadable_row' then rejected_row end as unreadable_row
from numbered
