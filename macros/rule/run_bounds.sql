{# What it takes and gives stands in macros/rule/_rule.yml. #}
{% macro run_bounds(relation, entity, time, timeout_seconds) %}
{%- set of_entity = 'partition by ' ~ entity | join(', ') -%}
{%- set in_order = of_entity ~ ' order by ' ~ time -%}
with ordered as (
    select
        {{ entity | join(', ') }},
        {{ time }} as run_started_at,
        lag({{ time }}) over ({{ in_order }}) as previous_at,
        {{ dwell.gap_us(time, in_order) }} as gap_us,
        row_number() over ({{ in_order }}) as position,
        count(*) over ({{ of_entity }}) as last_position,
        max({{ time }}) over ({{ of_entity }}) as last_at
    from {{ relation }}
),

-- a run ends where the next one starts, so that of all rows only the first of each run go on
starts as (
    select *
    from ordered
    where {{ dwell.starts_run(timeout_seconds) }}
)

select
    {{ entity | join(', ') }},
    run_started_at,
    coalesce(
        lead(previous_at) over ({{ of_entity }} order by position), last_at
    ) as run_ended_at,
    coalesce(
        lead(position) over ({{ of_entity }} order by position), last_position + 1
    ) - position as event_count
from starts
{% endmacro %}
