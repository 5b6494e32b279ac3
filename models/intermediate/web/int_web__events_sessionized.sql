{{ config(
    materialized='incremental',
    incremental_strategy='replace_islands',
    on_schema_change='fail',
    pre_hook="{{ dwell.statements(dwell.record_event_load()) }}",
    post_hook="{{ dwell.statements(dwell.reconcile_event_load()) }}",
    meta={'input': 'events', 'island_key': ['visitor', 'is_ignored'], 'island_end': 'event_at'}
) }}
{%- set input = dwell.input('events') -%}
{%- set adds = dwell.can_query() and is_incremental() and dwell.adds_to(input) -%}
{%- set timeout_seconds = (var('session_timeout_minutes') | float) * 60 -%}
{%- set columns -%}
    user_id, device_id, event_name, app_version, client, event_at, received_at, source_number,
    reject_reason, read_position, rejected_row {{- ', event_id' if dwell.event_id_columns() }}
{%- endset -%}
{#- ignored events form islands of their own, by which their duplicates are found -#}
{%- set kind = ['is_ignored'] if var('ignored_events') else [] -%}
{%- set visitor = (dwell.visitor() + kind) | join(', ') -%}
{#- the order within an instant makes equal rows neighbours -#}
{%- set details = dwell.event_details() -%}
{%- set tie_break = (details + ['source_number']) | join(', ') -%}
{%- set so_far = dwell.rows_so_far(visitor, 'event_at') %}

with incoming as (
    select
        {{ columns }},
        {{ dwell.is_one_of('event_name', var('ignored_events')) }} as is_ignored
    from {{ ref('stg_web__events') }}
),

-- a relation is read with an overlap: rows that are stored are not new
new_events as (
    {{ dwell.without_rows_read_again('incoming', columns) if adds else 'select * from incoming' }}
),

-- events: the new ones, and the stored ones of the islands that these affect
events as (
    select {{ columns }}, is_ignored
    from new_events
    {%- if adds %}
    union all
    {{ dwell.events_of_affected_islands('new_events', columns, timeout_seconds) | indent(4) }}
    {%- endif %}
),

-- gaps: the time since the visitor's previous event
ordered as (
    select
        *,
        lag(event_at) over (
            partition by {{ visitor }} order by event_at, {{ tie_break }}
        ) as previous_event_at,
        {%- if var('session_start_events') %}
        {{ dwell.any_at_instant(
            dwell.is_one_of('event_name', var('session_start_events')), visitor, 'event_at'
        ) }} as is_session_start,
        {%- endif %}
        {%- if var('drop_exact_duplicates') %}
        {{ dwell.equals_previous_row(details, visitor, 'event_at', tie_break) }} as is_duplicate
        {%- else %}
        false as is_duplicate
        {%- endif %}
    from events
),

gaps as (
    select
        *,
        {{ dwell.microseconds_between('previous_event_at', 'event_at') }} as gap_us
    from ordered
),

-- islands: the first event starts one, and so does an event after a gap over the timeout
islands as (
    select
        *,
        max(case
            when gap_us is null then event_at
            when {{ dwell.exceeds_timeout('gap_us', timeout_seconds) }} then event_at
        end) over ({{ so_far }}) as island_started_at
    from gaps
),

-- sessions: an island is one, unless options cut it at start events and at midnight ...
parts as (
    select
        *,
        {%- if var('session_start_events') or var('session_split_at_midnight') %}
        max(case
            when event_at = island_started_at then event_at
            {%- if var('session_start_events') %}
            when is_session_start then event_at
            {%- endif %}
            {%- if var('session_split_at_midnight') %}
            when {{ dwell.is_another_day('event_at', 'previous_event_at') }} then event_at
            {%- endif %}
        end) over ({{ so_far }}) as part_started_at
        {%- else %}
        island_started_at as part_started_at
        {%- endif %}
    from islands
),

-- ... and cut the parts at the maximum length
sessions as (
    select
        *,
        {%- if var('session_max_hours') %}
        max(case
            when event_at = part_started_at then event_at
            when {{ dwell.passes_maximum_length(
                'event_at', 'part_started_at', (var('session_max_hours') | float) * 3600
            ) }} then event_at
        end) over ({{ so_far }}) as session_started_at
        {%- else %}
        part_started_at as session_started_at
        {%- endif %}
    from parts
)

select
    user_id,
    device_id,
    event_name,
    app_version,
    client,
    {%- for column in dwell.event_id_columns() %}
    {{ column }},
    {%- endfor %}
    event_at,
    island_started_at,
    -- an ignored event is in no session
    case when not is_ignored then session_started_at end as session_started_at,
    -- an event that precedes the island may yet arrive, so that the gap before it is not stored
    case when island_started_at < event_at then gap_us end as gap_us,
    is_ignored,
    is_duplicate,
    reject_reason,
    rejected_row,
    source_number,
    read_position,
    {%- if dwell.reads_by_load_time(input) %}
    received_at,
    {%- else %}
    cast(null as {{ dbt.type_timestamp() }}) as received_at,
    {%- endif %}
    {{ dwell.current_load(input) }} as load_number
from sessions
