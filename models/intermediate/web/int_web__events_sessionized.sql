{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched_runs',
    on_schema_change='fail',
    pre_hook="{{ dwell.record_load() }}",
    post_hook="{{ dwell.reconcile_load() }}",
    meta={'run_reaches_to': 'event_at', 'entity_besides_visitor': ['is_ignored']}
) }}
{%- set adds = is_incremental() and not dwell.input_is_read_whole() -%}
{%- set timeout_minutes = var('session_timeout_minutes') | float -%}
{%- set timeout_us = (timeout_minutes * 60000000) | round | int -%}
{%- set timeout = "interval '" ~ timeout_us ~ " microseconds'" -%}
{%- set columns -%}
    user_id, device_id, event_name, app_version, client, event_at, received_at, source_number,
    reject_reason, read_position, rejected_row
{%- endset %}

with incoming as (
    select
        {{ columns }},
        {{ dwell.is_one_of('event_name', var('ignored_events')) }} as is_ignored
    from {{ ref('stg_web__events') }}
),
{% if adds and dwell.reads_by_load_time() %}
-- a relation is read again from a day before its newest load time: rows that are stored are not new
stored_again as (
    select {{ columns }}, true as is_stored
    from {{ this }}
    where {{ dwell.is_read_again('received_at') }}
    union all
    select {{ columns }}, false as is_stored
    from incoming
),

counted_again as (
    select
        *,
        row_number() over (partition by {{ dwell.event_identity() }}, is_stored order by source_number)
            as copy_number,
        count(case when is_stored then 1 end) over (partition by {{ dwell.event_identity() }})
            as stored_copies
    from stored_again
),

new_events as (
    select {{ columns }}, {{ dwell.is_one_of('event_name', var('ignored_events')) }} as is_ignored
    from counted_again
    where not is_stored and copy_number > stored_copies
),
{% else %}
new_events as (
    select * from incoming
),
{% endif -%}
{% if adds %}
-- stored events that could be in one run with a new one: their run ends or begins within the timeout
-- of a run of new events
new_runs as (
    select
        {{ dwell.visitor_as_key() }},
        is_ignored,
        run_started_at,
        max(event_at) as run_ended_at
    from (
        {{ dwell.sessionize(
            relation='(select * from new_events where reject_reason is null) as readable',
            entity=dwell.visitor() + ['is_ignored'],
            time='event_at',
            timeout_seconds=timeout_minutes * 60
        ) | indent(8) }}
    ) as sessionized_alone
    group by visitor_key_1, visitor_key_2, is_ignored, run_started_at
),

stored_runs as (
    select
        {{ dwell.visitor_as_key('stored') }},
        stored.is_ignored,
        stored.run_started_at,
        max(stored.event_at) as run_ended_at
    from {{ this }} as stored
    where exists (
        select 1
        from new_runs
        where
            {%- for part in dwell.visitor('stored') %}
            new_runs.visitor_key_{{ loop.index }} = coalesce({{ part }}, '')
            {{- ' and' if not loop.last }}
            {%- endfor %}
    )
    group by visitor_key_1, visitor_key_2, stored.is_ignored, stored.run_started_at
),

touched_runs as (
    select distinct
        stored_runs.visitor_key_1,
        stored_runs.visitor_key_2,
        stored_runs.is_ignored,
        stored_runs.run_started_at
    from stored_runs
    inner join new_runs
        on
            stored_runs.visitor_key_1 = new_runs.visitor_key_1
            and stored_runs.visitor_key_2 = new_runs.visitor_key_2
            and stored_runs.is_ignored = new_runs.is_ignored
            and stored_runs.run_ended_at >= new_runs.run_started_at - {{ timeout }}
            and stored_runs.run_started_at <= new_runs.run_ended_at + {{ timeout }}
),

events as (
    select {{ columns }}, is_ignored
    from {{ this }} as stored
    where exists (
        select 1
        from touched_runs
        where
            touched_runs.run_started_at = stored.run_started_at
            and touched_runs.is_ignored = stored.is_ignored
            {%- for part in dwell.visitor('stored') %}
            and touched_runs.visitor_key_{{ loop.index }} = coalesce({{ part }}, '')
            {%- endfor %}
    )
    union all
    select {{ columns }}, is_ignored
    from new_events
),
{% else %}
events as (
    select * from new_events
),
{% endif %}
sessionized as (
    {{ dwell.sessionize(
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
    {{ 'received_at' if dwell.reads_by_load_time() else 'cast(null as timestamp)' }} as received_at,
    {{ dwell.current_load() }} as load_number
from sessionized
