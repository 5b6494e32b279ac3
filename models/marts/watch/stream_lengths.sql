with classed as (
    select {{ dwell.class_of('stream_duration', dwell.length_bounds()) | indent(8) }} as class_from
    from {{ ref('fct_watch_streams') }}
),

counted as (
    select
        class_from,
        count(*) as streams
    from classed
    group by class_from
),

classes as (
    {{ dwell.classes(dwell.length_bounds()) | indent(4) }}
)

select
    classes.class_from as seconds_from,
    classes.class_to as seconds_to,
    coalesce(counted.streams, 0) as streams,
    {{ dwell.double('coalesce(counted.streams, 0)') }} / nullif(sum(counted.streams) over (), 0)
        as share
from classes
left join counted on classes.class_from = counted.class_from
