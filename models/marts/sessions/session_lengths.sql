with sessions as (
    select
        *,
        {{ dwell.seconds_between('started_at', 'ended_at') }} as duration_seconds
    from {{ ref('int_web__sessions') }}
),

classed as (
    select
        event_count,
        {{ dwell.class_of('duration_seconds', dwell.length_bounds()) | indent(8) }} as class_from
    from sessions
),

counted as (
    select
        class_from,
        count(*) as sessions,
        count(case when event_count = 1 then 1 end) as single_event_sessions
    from classed
    group by class_from
),

classes as (
    {{ dwell.classes(dwell.length_bounds()) | indent(4) }}
)

select
    classes.class_from as seconds_from,
    classes.class_to as seconds_to,
    coalesce(counted.sessions, 0) as sessions,
    coalesce(counted.single_event_sessions, 0) as single_event_sessions,
    {{ dwell.double('coalesce(counted.sessions, 0)') }} / nullif(sum(counted.sessions) over (), 0)
        as share
from classes
left join counted on classes.class_from = counted.class_from
