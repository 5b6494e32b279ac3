{# Start, end and number of events of each island: see _sessionization.yml. #}
{% macro island_bounds(relation, partition_by, order_by, timeout_seconds, ended_at=none, event_count=none) %}
{%- set keys = partition_by | join(', ') -%}
{%- set of_keys = 'partition by ' ~ keys -%}
{%- set in_order = of_keys ~ ' order by ' ~ order_by -%}
{%- set before = in_order ~ ' rows between unbounded preceding and 1 preceding' -%}
with ordered as (
    select
        {{ keys }},
        {{ order_by }} as island_started_at,
        {%- if ended_at is none %}
        lag({{ order_by }}) over ({{ in_order }}) as previous_at,
        {%- else %}
        max({{ ended_at }}) over ({{ before }}) as previous_at,
        {%- endif %}
        max({{ ended_at or order_by }}) over ({{ of_keys }}) as last_at,
        {%- if event_count is none %}
        row_number() over ({{ in_order }}) - 1 as events_before,
        count(*) over ({{ of_keys }}) as all_events
        {%- else %}
        coalesce(sum({{ event_count }}) over ({{ before }}), 0) as events_before,
        sum({{ event_count }}) over ({{ of_keys }}) as all_events
        {%- endif %}
    from {{ relation }}
),

gaps as (
    select *, {{ dwell.microseconds_between('previous_at', 'island_started_at') }} as gap_us
    from ordered
),

-- an island ends where the next one starts, so that of all rows only the first of each island is needed
starts as (
    select *
    from gaps
    where {{ dwell.starts_island('gap_us', timeout_seconds) }}
)

select
    {{ keys }},
    island_started_at,
    coalesce(
        lead(previous_at) over ({{ of_keys }} order by events_before), last_at
    ) as island_ended_at,
    cast(coalesce(
        lead(events_before) over ({{ of_keys }} order by events_before), all_events
    ) - events_before as {{ dbt.type_bigint() }}) as event_count
from starts
{% endmacro %}
