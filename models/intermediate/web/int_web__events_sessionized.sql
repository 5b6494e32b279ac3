{{ config(
    materialized='incremental',
    incremental_strategy='replace_islands',
    on_schema_change='fail',
    pre_hook="{{ dwell.statements(dwell.record_event_load()) }}",
    post_hook="{{ dwell.statements(dwell.reconcile_event_load()) }}",
    meta={'input': 'events', 'entity': ['visitor', 'is_ignored'], 'run_reaches_to': 'event_at'}
) }}
{%- set input = dwell.input('events') -%}
{%- set adds = dwell.can_query() and is_incremental() and dwell.adds_to(input) -%}
{%- set timeout_minutes = var('session_timeout_minutes') | float -%}
{%- set received_at = 'received_at' if dwell.reads_by_load_time(input)
    else 'cast(null as ' ~ dbt.type_timestamp() ~ ')' -%}
{%- set columns -%}
    user_id, device_id, event_name, app_version, client, event_at, received_at, source_number,
    reject_reason, read_position, rejected_row {{- ', event_id' if dwell.event_id_columns() }}
{%- endset %}

with incoming as (
    select
        {{ columns }},
        {{ dwell.is_one_of('event_name', var('ignored_events')) }} as is_ignored
    from {{ ref('stg_web__events') }}
),

new_events as (
    {{ dwell.without_rows_read_again('incoming', columns) if adds else 'select * from incoming' }}
),

events as (
    select {{ columns }}, is_ignored
    from new_events
    {%- if adds %}
    union all
    {{ dwell.events_of_affected_islands('new_events', columns, timeout_minutes * 60) | indent(4) }}
    {%- endif %}
),

sessionized as (
    {{ dwell.session_starts(
        relation='events',
        entity=dwell.visitor() + (['is_ignored'] if var('ignored_events') else []),
        time='event_at',
        timeout_seconds=timeout_minutes * 60,
        tie_break=dwell.event_details() + ['source_number'],
        duplicate_columns=dwell.event_details() if var('drop_exact_duplicates') else [],
        starts_session=dwell.is_one_of('event_name', var('session_start_events')) if var('session_start_events') else none,
        local_day=dwell.local_date('event_at') if var('session_split_at_midnight') else none,
        max_seconds=(var('session_max_hours') | float) * 3600 if var('session_max_hours') else none
    ) | indent(4) }}
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
    run_started_at,
    -- an event that is no activity is in no session
    case when not is_ignored then session_started_at end as session_started_at,
    case when run_started_at < event_at then gap_us end as gap_us,
    is_ignored,
    is_duplicate,
    reject_reason,
    rejected_row,
    source_number,
    read_position,
    {{ received_at }} as received_at,
    {{ dwell.current_load(input) }} as load_number
from sessionized
