{{ config(
    materialized='incremental',
    incremental_strategy='replace_islands',
    on_schema_change='fail',
    pre_hook="{{ dwell.statements(dwell.record_heartbeat_load()) }}",
    post_hook="{{ dwell.statements(dwell.check_heartbeat_lease()) }}",
    meta={
        'input': 'heartbeats',
        'island_key': ['session_id', 'user_id', 'device', 'program_id', 'start_time'],
        'island_start': 'first_heartbeat_at',
        'island_end': 'last_heartbeat_at',
    }
) }}
{%- set input = dwell.input('heartbeats') -%}
{%- set adds = dwell.can_query() and is_incremental() and dwell.adds_to(input) -%}
{%- set stream_key = ['session_id', 'user_id', 'device', 'program_id', 'start_time'] -%}
{%- set timeout_seconds = var('watch_timeout_seconds') -%}
{%- set timeout_us = dwell.watch_timeout_us() %}

with heartbeats as (
    select
        *,
        start_at as start_time
    from {{ ref('stg_watch__heartbeats') }}
    where reject_reason is null and not is_redelivered
),

-- streams of the new heartbeats alone
new_streams as (
    {{ dwell.island_bounds('heartbeats', stream_key, 'event_at', timeout_seconds) | indent(4) }}
),
{% if adds %}
-- the bounds of a stream are all that is stored of it, and suffice to lengthen or join it
affected_streams as (
    select
        stored.session_id,
        stored.user_id,
        stored.device,
        stored.program_id,
        stored.start_time,
        stored.first_heartbeat_at,
        stored.last_heartbeat_at,
        stored.heartbeats
    from {{ this }} as stored
    where
        {{ dwell.is_since('stored.last_heartbeat_at', 'dwell_watch_from') }}
        and exists (
            select 1
            from new_streams
            where
                {%- for column in stream_key %}
                stored.{{ column }} = new_streams.{{ column }} and
                {%- endfor %}
                stored.last_heartbeat_at >= {{ dwell.later_by('new_streams.island_started_at', -timeout_us) }}
                and stored.first_heartbeat_at <= {{ dwell.later_by('new_streams.island_ended_at', timeout_us) }}
        )
),

parts as (
    select * from affected_streams
    union all
    select
        session_id,
        user_id,
        device,
        program_id,
        start_time,
        island_started_at as first_heartbeat_at,
        island_ended_at as last_heartbeat_at,
        event_count as heartbeats
    from new_streams
),

streams as (
    {{ dwell.island_bounds(
        'parts',
        stream_key,
        'first_heartbeat_at',
        timeout_seconds,
        ended_at='last_heartbeat_at',
        event_count='heartbeats'
    ) | indent(4) }}
)
{% else %}
streams as (
    select * from new_streams
)
{% endif %}
select
    user_id,
    program_id,
    start_time,
    session_id,
    device,
    island_started_at as first_heartbeat_at,
    island_ended_at as last_heartbeat_at,
    -- a resumed stream has an old start_time, and was not watched since then
    case
        when start_time > island_started_at then island_started_at
        when {{ dwell.exceeds_timeout(
            dwell.microseconds_between('start_time', 'island_started_at'), timeout_seconds
        ) }} then island_started_at
        else start_time
    end as began_at,
    event_count as heartbeats,
    {{ dwell.current_load(input) }} as load_number
from streams
