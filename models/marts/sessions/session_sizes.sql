with classed as (
    select {{ dwell.class_of('event_count', dwell.size_bounds()) | indent(8) }} as class_from
    from {{ ref('int_web__sessions') }}
),

counted as (
    select
        class_from,
        count(*) as sessions
    from classed
    group by class_from
),

classes as (
    {{ dwell.classes(dwell.size_bounds()) | indent(4) }}
)

select
    classes.class_from as events_from,
    classes.class_to - 1 as events_to,
    coalesce(counted.sessions, 0) as sessions,
    {{ dwell.double('coalesce(counted.sessions, 0)') }} / nullif(sum(counted.sessions) over (), 0)
        as share
from classes
left join counted on classes.class_from = counted.class_from
