with rows_read as (
    select * from {{ ref('stg_web__event_rows') }}
),

cleaned as (
    select
        lower({{ dwell.known_text('event_name') }}) as event_name,
        {%- if var('pseudonymize_user_ids') %}
        {{ dwell.pseudonym(dwell.known_id('user_id')) }} as user_id,
        {%- else %}
        {{ dwell.known_id('user_id') }} as user_id,
        {%- endif %}
        {{ dwell.known_text('app_version') }} as app_version,
        {{ dwell.known_id('device_id') }} as device_id,
        lower({{ dwell.known_text('client') }}) as client,
        {%- for column in dwell.event_id_columns() %}
        {{ dwell.known_text(column) }} as {{ column }},
        {%- endfor %}
        event_at,
        {%- for column in dwell.input('events').columns %}
        {{ column }} as raw_{{ column }},
        {%- endfor %}
        received_at,
        source_number,
        read_position,
        unreadable_row
    from rows_read
),

validated as (
    -- the first reason that applies
    select
        *,
        case
            when unreadable_row is not null then 'unreadable_row'
            when user_id is null and device_id is null then 'missing_user_and_device'
            when event_at is null and {{ dwell.known_text('raw_event_time') }} is null
                then 'missing_event_time'
            when event_at is null then 'unreadable_event_time'
            when event_at < {{ dwell.utc_midnight(var('earliest_event_date')) }}
                then 'before_earliest_event_date'
            when event_at > {{ dwell.latest_believed('received_at') }}
                then 'in_the_future'
        end as reject_reason
    from cleaned
)

-- a rejected row is not an event, and keeps its original values
select
    case when reject_reason is null then event_name end as event_name,
    case when reject_reason is null then user_id end as user_id,
    case when reject_reason is null then app_version end as app_version,
    case when reject_reason is null then event_at end as event_at,
    case when reject_reason is null then device_id end as device_id,
    case when reject_reason is null then client end as client,
    {%- for column in dwell.event_id_columns() %}
    case when reject_reason is null then {{ column }} end as {{ column }},
    {%- endfor %}
    received_at,
    source_number,
    reject_reason,
    case when reject_reason is not null then read_position end as read_position,
    case
        when reject_reason = 'unreadable_row' then {{ dwell.withheld_if_private('unreadable_row') }}
        when reject_reason is not null then {{ dwell.json_of(dict({
            'event_name': 'raw_event_name',
            'user_id': 'user_id' if var('pseudonymize_user_ids') else 'raw_user_id',
            'app_version': 'raw_app_version',
            'event_time': 'coalesce(raw_event_time, ' ~ dwell.digits('event_at') ~ ')',
            'device_id': 'raw_device_id',
            'client': 'raw_client',
        }, **({'event_id': 'raw_event_id'} if dwell.event_id_columns() else {}))) }}
    end as rejected_row
from validated
