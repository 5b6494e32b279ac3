{{ config(severity='warn') }}
-- An id that has a tenth of all events may be a text that represents a missing id, as NULL or all
-- zeros: then it is one giant visitor. Add it to null_values, or see that it is one person or one
-- device. Few ids prove nothing.
with ids as (
    select
        'user_id' as id_column,
        user_id as id,
        count(*) as events
    from {{ ref('fct_events') }}
    where user_id is not null
    group by user_id

    union all

    select
        'device_id' as id_column,
        device_id as id,
        count(*) as events
    from {{ ref('fct_events') }}
    where device_id is not null
    group by device_id
),

compared as (
    select
        *,
        count(*) over (partition by id_column) as ids,
        sum(events) over (partition by id_column) as all_events
    from ids
)

select
    id_column,
    id,
    events,
    all_events
from compared
where ids >= 100 and all_events >= 1000 and events * 10 >= all_events
