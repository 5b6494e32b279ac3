-- DuckDB skips a row that it cannot parse, and reports its number in the file, which is stored as a
-- negative position. The positions of other rows do not count skipped rows. So the skipped rows
-- before a row are added to its position: the k-th of them, in row r of the file, has r - k counted
-- rows before it.
with rejected as (
    select
        source_number,
        reject_reason,
        read_position,
        rejected_row,
        read_position < 0 as is_skipped
    from {{ ref('int_web__events_sessionized') }}
    where reject_reason is not null
),

loads as (
    select * from {{ source('dwell', 'dwell_event_loads') }}
),

counted as (
    select
        rejected.*,
        loads.source,
        case
            when rejected.is_skipped
                then -rejected.read_position - row_number() over (
                    partition by rejected.source_number, rejected.is_skipped
                    order by -rejected.read_position
                )
            else rejected.read_position - loads.rows_before
        end as counted_rows
    from rejected
    inner join loads on rejected.source_number = loads.source_number
),

numbered as (
    select
        *,
        counted_rows + sum(case when is_skipped then 1 else 0 end) over (
            partition by source_number
            order by counted_rows, is_skipped, -read_position
            rows between unbounded preceding and current row
        ) as source_row
    from counted
)

select
    source,
    cast(source_row as {{ dbt.type_bigint() }}) as source_row,
    reject_reason,
    {%- for column in dwell.input('events').columns if column != 'event_id' %}
    case
        when reject_reason <> 'unreadable_row'
            then {{ dwell.json_text('rejected_row', column) }}
    end as {{ column }},
    {%- endfor %}
    case when reject_reason = 'unreadable_row' then rejected_row end as unreadable_row
from numbered
