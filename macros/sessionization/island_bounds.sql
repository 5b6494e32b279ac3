{# What it takes and gives stands in macros/sessionization/_sessionization.yml. #}
{% macro island_bounds(relation, entity, time, timeout_seconds, until=none, count=none) %}
{%- set of_entity = 'partition by ' ~ entity | join(', ') -%}
{%- set in_order = of_entity ~ ' order by ' ~ time -%}
{%- set before = in_order ~ ' rows between unbounded preceding and 1 preceding' -%}
with ordered as (
    select
        {{ entity | join(', ') }},
        {{ time }} as run_started_at,
        {%- if until is none %}
        lag({{ time }}) over ({{ in_order }}) as previous_at,
        {%- else %}
        max({{ until }}) over ({{ before }}) as previous_at,
        {%- endif %}
        max({{ until or time }}) over ({{ of_entity }}) as last_at,
        {%- if count is none %}
        row_number() over ({{ in_order }}) - 1 as events_before,
        count(*) over ({{ of_entity }}) as all_events
        {%- else %}
        coalesce(sum({{ count }}) over ({{ before }}), 0) as events_before,
        sum({{ count }}) over ({{ of_entity }}) as all_events
        {%- endif %}
    from {{ relation }}
),

-- a run ends where the next one starts, so that of all rows only the first of each run go on
starts as (
    select *
    from (
        select *, {{ dwell.microseconds_between('previous_at', 'run_started_at') }} as gap_us
        from ordered
    ) as apart
    where {{ dwell.starts_island(timeout_seconds) }}
)

select
    {{ entity | join(', ') }},
    run_started_at,
    coalesce(
        lead(previous_at) over ({{ of_entity }} order by events_before), last_at
    ) as run_ended_at,
    cast(coalesce(
        lead(events_before) over ({{ of_entity }} order by events_before), all_events
    ) - events_before as {{ dbt.type_bigint() }}) as event_count
from starts
{% endmacro %}
