{# If a run rejects most of what it reads, a setting is probably wrong: the run stops, and reports the most frequent reason. #}

{# SQL, a statement: fails if more of this load's rows are rejected than max_rejected_ratio. then: what becomes of what
   was written. #}
{% macro check_rejected_ratio(input, relation, then='Nothing was changed') -%}
{%- set too_many -%}
'dwell: ' || {{ dwell.digits('rows_rejected') }} || ' of ' || {{ dwell.digits('rows_read') }} || {{ dwell.text(' new ' ~ input.name ~ ' were rejected, most often as ') }}
|| reject_reason || ', as in ' || source || ': ' || left(rejected_row, 200) || '. ' || {{ dwell.fix_for_rejects(input) }}
|| {{ dwell.text(' ' ~ then ~ '. To load them all the same, set max_rejected_ratio to 1.') }}
{%- endset -%}
select {{ dwell.fail_with(too_many) }}
from (
    {{ dwell.most_frequent_reject(input, relation) | indent(4) }}
) as most_frequent
{%- endmacro %}


{# SQL: the reason why most rows of this load are rejected, with a row; no row where they are not too many. The first load
   is checked whatever its size, a later one from a hundred rejects on: a few bad rows do not stop it. #}
{% macro most_frequent_reject(input, relation) -%}
select
    r.reject_reason,
    r.rejected_row,
    f.source,
    t.rows_rejected,
    t.rows_read
from (
    select
        reject_reason,
        count(*) as row_count,
        min(rejected_row) as rejected_row,
        min(source_number) as source_number
    from {{ relation }}
    where {{ dwell.is_of_this_load(input) }} and reject_reason is not null
    group by reject_reason
    order by row_count desc, reject_reason
    limit 1
) as r
inner join {{ dwell.own_table(input.incoming) }} as f on r.source_number = f.source_number
cross join (
    select
        count(*) as rows_read,
        count(reject_reason) as rows_rejected
    from {{ relation }}
    where {{ dwell.is_of_this_load(input) }}
) as t
where
    t.rows_rejected > {{ var('max_rejected_ratio') }} * t.rows_read
    and t.rows_rejected >= {{ 1 if dwell.is_from_scratch(input) else 100 }}
{%- endmacro %}


{# SQL: whether a row is of this load. No stored row before it is looked at. #}
{% macro is_of_this_load(input) -%}
    source_number >= (select min(source_number) from {{ dwell.own_table(input.incoming) }})
    {{- ' and not is_redelivered' if not input.keeps_rows }}
{%- endmacro %}


{# SQL: what to do, by the reason. #}
{% macro fix_for_rejects(input) -%}
    {%- set columns, format = input.name ~ '_columns', input.time_setting -%}
    {%- set receipt = 'or ' ~ input.name ~ '_received_at' if dwell.input_mode(input) == 'files'
        else 'and look whether ' ~ (input.name ~ '_loaded_at' if input.loaded_at else 'the newest time') ~ ' is in UTC' -%}
    case
        when reject_reason = 'unreadable_row' then {{ dwell.text('Check how the input is written, and set ' ~ input.name ~ '_csv or ' ~ input.name ~ '_format.') }}
        when reject_reason like 'missing%' then {{ dwell.text('Name the column that has it in ' ~ columns ~ '.') }}
        when reject_reason like 'unreadable%' then {{ dwell.text('Set ' ~ format ~ ' to the format of the times, as in "%d/%m/%Y %H:%M".') }}
        when reject_reason like '%in_the_future' then {{ dwell.text('It is later than its time of receipt: set ' ~ format ~ ' to the unit of the times, ' ~ receipt ~ '.') }}
        else {{ dwell.text('Set ' ~ format ~ ' to the unit of the times, or earliest_event_date to an earlier day.') }}
    end
{%- endmacro %}
