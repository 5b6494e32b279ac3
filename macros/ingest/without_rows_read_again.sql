{# SQL: the incoming rows that are not stored. Only a relation that has a load time is read again, from
   a day before the newest; of rows that are equal, as many are new as there are more than stored. #}
{% macro without_rows_read_again(incoming, columns) %}
{%- if not dwell.reads_by_load_time(dwell.input('events')) -%}
select * from {{ incoming }}
{%- else -%}
select {{ columns }}, is_ignored
from (
    select
        *,
        row_number() over (partition by {{ dwell.event_identity() }}, is_stored order by source_number)
            as copy_number,
        count(case when is_stored then 1 end) over (partition by {{ dwell.event_identity() }})
            as stored_copies
    from (
        select {{ columns }}, is_ignored, true as is_stored
        from {{ this }}
        where {{ dwell.is_in_window(dwell.input('events'), 'received_at') }}
        union all
        select {{ columns }}, is_ignored, false as is_stored
        from {{ incoming }}
    ) as read_twice
) as counted
where not is_stored and copy_number > stored_copies
{%- endif -%}
{% endmacro %}
