{{ config(
    materialized='table',
    pre_hook="{{ dwell.statements(dwell.count_new_heartbeats()) }}",
    post_hook="{{ dwell.statements(dwell.reconcile_new_heartbeats()) }}"
) }}
{%- set input = dwell.input('heartbeats') %}

with rows_read as (
    select * from {{ ref('stg_watch__heartbeat_rows') }}
),

cleaned as (
    select
        {%- if var('pseudonymize_user_ids') %}
        {{ dwell.pseudonym(dwell.known_id('user_id')) }} as user_id,
        {%- else %}
        {{ dwell.known_id('user_id') }} as user_id,
        {%- endif %}
        {{ dwell.known_id('program_id') }} as program_id,
        start_at,
        {{ dwell.known_id('session_id') }} as session_id,
        {{ dwell.known_text('device') }} as device,
        event_at,
        {%- for column in input.columns %}
        {{ column }} as raw_{{ column }},
        {%- endfor %}
        received_at,
        source_number,
        topic,
        topic_partition,
        topic_offset,
        read_position,
        unreadable_row,
        incomplete_message
    from rows_read
),

validated as (
    -- the first reason that applies
    select
        *,
        case
            when unreadable_row is not null then 'unreadable_row'
            when user_id is null then 'missing_user_id'
            when program_id is null then 'missing_program_id'
            when session_id is null then 'missing_session_id'
            when device is null then 'missing_device'
            {%- for time in ['event', 'start'] %}
            when {{ time }}_at is null and {{ dwell.known_text('raw_' ~ time ~ '_time') }} is null
                then 'missing_{{ time }}_time'
            when {{ time }}_at is null then 'unreadable_{{ time }}_time'
            {%- endfor %}
            when event_at < {{ dwell.utc_midnight(var('earliest_event_date')) }}
                then 'before_earliest_event_date'
            when event_at > {{ dwell.latest_believed('received_at') }}
                then 'in_the_future'
            -- start_time is part of a stream's key, and dates the stream in a warehouse
            when start_at < {{ dwell.utc_midnight(var('earliest_event_date')) }}
                then 'start_time_before_earliest_event_date'
            when start_at > {{ dwell.latest_believed('received_at') }}
                then 'start_time_in_the_future'
        end as reject_reason
    from cleaned
)
{%- if dwell.may_be_redelivered(input) %},

loaded as (
    {{ dwell.loaded_offsets(input) | indent(4) }}
),

-- topic, partition and offset identify a message, whichever files hold it
deduplicated as (
    select
        validated.*,
        validated.topic_offset is not null and (
            loaded.topic is not null
            or row_number() over (
                partition by validated.topic, validated.topic_partition, validated.topic_offset
                order by validated.source_number, validated.read_position
            ) > 1
        ) as is_redelivered
    from validated
    left join loaded
        on
            validated.topic = loaded.topic
            and validated.topic_partition = loaded.topic_partition
            and validated.topic_offset between loaded.first_offset and loaded.last_offset
)
{%- else %},

deduplicated as (
    select
        *,
        false as is_redelivered
    from validated
)
{%- endif %}

select
    user_id,
    program_id,
    start_at,
    session_id,
    device,
    event_at,
    received_at,
    source_number,
    topic,
    topic_partition,
    topic_offset,
    is_redelivered,
    reject_reason,
    case when reject_reason is not null then read_position end as read_position,
    case
        when reject_reason = 'unreadable_row' then {{ dwell.withheld_if_private('unreadable_row') }}
        when reject_reason is not null then {{ dwell.json_of({
            'user_id': 'user_id' if var('pseudonymize_user_ids') else 'raw_user_id',
            'program_id': 'raw_program_id',
            'start_time': 'coalesce(raw_start_time, ' ~ dwell.digits('start_at') ~ ')',
            'session_id': 'raw_session_id',
            'device': 'raw_device',
            'event_time': 'coalesce(raw_event_time, ' ~ dwell.digits('event_at') ~ ')',
            'message': dwell.withheld_if_private('incomplete_message'),
        }) }}
    end as rejected_row
from deduplicated
