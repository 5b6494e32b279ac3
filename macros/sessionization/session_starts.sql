{# What it takes and gives stands in macros/sessionization/_sessionization.yml. #}
{% macro session_starts(
    relation,
    entity,
    time,
    timeout_seconds,
    tie_break=[],
    duplicate_columns=[],
    starts_session=none,
    local_day=none,
    max_seconds=none
) %}
{%- set entity = entity | join(', ') -%}
{%- set in_order -%}
    partition by {{ entity }} order by {{ ([time] + tie_break) | join(', ') }}
{%- endset -%}
{#- of events at one instant, the one that ends a gap comes first, so that what begins there holds all -#}
{%- set so_far -%}
    partition by {{ entity }} order by {{ time }}, case when gap_us = 0 then 1 else 0 end
    rows between unbounded preceding and current row
{%- endset -%}
{%- set starts_island = dwell.starts_island(timeout_seconds) -%}
{%- set cuts = starts_session is not none or local_day is not none -%}
with ordered as (
    select
        *,
        {{ dwell.microseconds_between('lag(' ~ time ~ ') over (' ~ in_order ~ ')', time) }} as gap_us,
        {%- if starts_session is not none %}
        -- events at the same instant are one: if any of them starts a session, all are in it
        max(case when {{ starts_session }} then 1 else 0 end)
            over (partition by {{ entity }}, {{ time }}) = 1 as is_start_instant,
        {%- endif %}
        {%- if local_day is not none %}
        coalesce({{ local_day }} <> lag({{ local_day }}) over ({{ in_order }}), false) as is_new_day,
        {%- endif %}
        {%- if duplicate_columns %}
        -- equal rows are neighbours, because the tie-break covers every column that they agree in
        coalesce(
            {{ time }} = lag({{ time }}) over ({{ in_order }})
            {%- for column in duplicate_columns %}
            and {{ dwell.is_same(column, 'lag(' ~ column ~ ') over (' ~ in_order ~ ')') }}
            {%- endfor %},
            false
        ) as is_duplicate
        {%- else %}
        false as is_duplicate
        {%- endif %}
    from {{ relation }}
),

runs as (
    select
        *,
        max(case when {{ starts_island }} then {{ time }} end)
            over ({{ so_far }}) as run_started_at
        {%- if cuts %},
        max(case when {{ starts_island }}
            {%- if starts_session is not none %} or is_start_instant{% endif %}
            {%- if local_day is not none %} or is_new_day{% endif %} then {{ time }} end)
            over ({{ so_far }}) as piece_started_at
        {%- endif %}
    from ordered
)
{%- set piece = 'piece_started_at' if cuts else 'run_started_at' -%}
{%- if max_seconds is none %}

select
    *,
    {{ piece }} as session_started_at
from runs
{%- else %}
{%- set max_us = (max_seconds * 1000000) | round | int -%}
{%- set since_piece = '(' ~ dwell.microseconds(time) ~ ' - ' ~ dwell.microseconds(piece) ~ ')' %}

-- the how-manieth stretch of the maximum length an event is in, against the event before it
select
    *,
    max(
        case
            when
                {{ time }} = {{ piece }}
                or floor({{ since_piece }} / {{ max_us }})
                > floor(({{ since_piece }} - gap_us) / {{ max_us }})
                then {{ time }}
        end
    ) over ({{ so_far }}) as session_started_at
from runs
{%- endif %}
{% endmacro %}


{# A run starts where there is no event before, or a gap strictly over the timeout. #}
{% macro starts_island(timeout_seconds) -%}
    gap_us is null or gap_us > {{ (timeout_seconds * 1000000) | round | int }}
{%- endmacro %}
