with sessions as (
    select * from {{ ref('int_web__sessions') }}
),

by_person as (
    -- a session without a user of its own is known by its device
    select
        *,
        {{ dwell.local_date('started_at') }} as session_date,
        case when user_id is null then device_id end as anonymous_device_id,
        {{ dwell.microseconds_between('started_at', 'ended_at') }} as duration_us
    from sessions
)

select
    session_date,
    user_id,
    anonymous_device_id,
    count(*) as sessions,
    cast(sum(event_count) as {{ dbt.type_bigint() }}) as events,
    {{ dwell.as_seconds('sum(duration_us)') }} as duration_seconds
from by_person
group by session_date, user_id, anonymous_device_id
