{# The steps of int_web__events_sessionized, for any relation: see _sessionization.yml. It uses no setting, because another
   project's model has none of dwell's. #}
{% macro sessionize(
    relation,
    partition_by,
    order_by,
    timeout_minutes=30,
    max_hours=none,
    split_at_midnight_in=none,
    starts_session=none
) %}
{%- for name, value in {'timeout_minutes': timeout_minutes, 'max_hours': max_hours}.items() -%}
    {%- if value is not number or value is boolean or not value > 0 -%}
        {%- if name == 'timeout_minutes' or value is not none -%}
            {%- do dwell.raise_error('sessionize: ' ~ name ~ ' must be a number over 0, not ' ~ value ~ '.') -%}
        {%- endif -%}
    {%- endif -%}
{%- endfor -%}
{%- set keys = dwell.as_list(partition_by) -%}
{%- set keys_as_text = [] -%}
{%- for key in keys -%}{%- do keys_as_text.append(dwell.digits(key)) -%}{%- endfor -%}
{%- set partition_by = keys | join(', ') -%}
{%- set so_far = dwell.rows_so_far(partition_by, order_by) -%}
{%- set own_columns = [
    'previous_at', 'gap_us', 'island_started_at', 'part_started_at', 'session_started_at', 'session_rank', 'has_session'
] -%}
{%- if starts_session is not none -%}{%- do own_columns.append('is_session_start') -%}{%- endif -%}
select
    {{ dwell.all_but(own_columns, relation) }},
    case when has_session then {{ dwell.session_id('session_started_at', entity=keys_as_text) }} end as session_id,
    case when has_session then session_rank end as session_number,
    case when has_session then session_started_at end as session_started_at
from (
    {#- a subquery, so that the caller's own CTEs can come before it #}
    with ordered as (
        select
            *,
            {%- if starts_session is not none %}
            {{ dwell.any_at_instant(starts_session, partition_by, order_by) }} as is_session_start,
            {%- endif %}
            lag({{ order_by }}) over (partition by {{ partition_by }} order by {{ order_by }}) as previous_at
        from {{ relation }}
    ),

    gaps as (
        select
            *,
            {{ dwell.microseconds_between('previous_at', order_by) }} as gap_us
        from ordered
    ),

    islands as (
        select
            *,
            max(case when {{ dwell.starts_island('gap_us', timeout_minutes * 60) }} then {{ order_by }} end)
                over ({{ so_far }}) as island_started_at
        from gaps
    ),

    parts as (
        select
            *,
            {%- if starts_session is not none or split_at_midnight_in is not none %}
            max(case
                when {{ order_by }} = island_started_at then {{ order_by }}
                {%- if starts_session is not none %}
                when is_session_start then {{ order_by }}
                {%- endif %}
                {%- if split_at_midnight_in is not none %}
                when {{ dwell.is_another_day(order_by, 'previous_at', split_at_midnight_in) }} then {{ order_by }}
                {%- endif %}
            end)
                over ({{ so_far }}) as part_started_at
            {%- else %}
            island_started_at as part_started_at
            {%- endif %}
        from islands
    ),

    sessions as (
        select
            *,
            {%- if max_hours is not none %}
            max(case
                when {{ order_by }} = part_started_at then {{ order_by }}
                when {{ dwell.passes_maximum_length(order_by, 'part_started_at', max_hours * 3600) }} then {{ order_by }}
            end)
                over ({{ so_far }}) as session_started_at
            {%- else %}
            part_started_at as session_started_at
            {%- endif %}
        from parts
    ),

    numbered as (
        select
            *,
            {{ order_by }} is not null and ({{ keys | join(' is not null or ') }} is not null) as has_session,
            dense_rank() over (
                partition by {{ partition_by }}, case when {{ order_by }} is null then 1 else 0 end
                order by session_started_at
            ) as session_rank
        from sessions
    )

    select * from numbered
) as numbered
{% endmacro %}
