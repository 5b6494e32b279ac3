{# Expressions by which options cut islands into sessions. Their rows have the column gap_us. #}

{# SQL: the window from a visitor's first row to the current one. Rows at one instant follow the row that ends the gap before
   them, so that an island that starts there holds all of them. #}
{% macro rows_so_far(partition_by, order_by) -%}
    partition by {{ partition_by }}
            order by {{ order_by }}, case when gap_us = 0 then 1 else 0 end
            rows between unbounded preceding and current row
{%- endmacro %}


{# SQL: whether a condition holds for any row at the same instant. Events at one instant are one: if one of them starts a
   session, all are in it. #}
{% macro any_at_instant(condition, partition_by, order_by) -%}
    max(case when {{ condition }} then 1 else 0 end) over (partition by {{ partition_by }}, {{ order_by }}) = 1
{%- endmacro %}


{# SQL: whether two times are on different days of a time zone, by default that of the reports. #}
{% macro is_another_day(time, previous, timezone=none) -%}
    {{ dwell.local_date(time, timezone) }} <> {{ dwell.local_date(previous, timezone) }}
{%- endmacro %}


{# SQL: whether time has passed a multiple of the maximum length, counted from started_at, since the row before. #}
{% macro passes_maximum_length(time, started_at, max_seconds) -%}
    {%- set max_us = dwell.timeout_us(max_seconds) -%}
    {%- set since_start = '(' ~ dwell.microseconds(time) ~ ' - ' ~ dwell.microseconds(started_at) ~ ')' -%}
    floor({{ since_start }} / {{ max_us }}) > floor(({{ since_start }} - gap_us) / {{ max_us }})
{%- endmacro %}


{# SQL: whether a row equals the row before it in its time and in some columns. The tie break must hold these columns, so
   that equal rows are neighbours. #}
{% macro equals_previous_row(columns, partition_by, order_by, tie_break) -%}
    {%- set in_order = 'partition by ' ~ partition_by ~ ' order by ' ~ order_by ~ ', ' ~ tie_break -%}
    coalesce(
            {{ order_by }} = lag({{ order_by }}) over ({{ in_order }})
            {%- for column in columns %}
            and {{ dwell.is_same(column, 'lag(' ~ column ~ ') over (' ~ in_order ~ ')') }}
            {%- endfor %},
            false
        )
{%- endmacro %}
