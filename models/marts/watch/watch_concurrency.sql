-- A stream is there from when it began to its last heartbeat, both included. How many there are
-- changes only where one begins or has ended: these moments are counted through, and minutes
-- without any keep what the one before them left.
with streams as (
    select
        began_at,
        last_heartbeat_at
    from {{ ref('int_watch__streams') }}
),

changes as (
    select
        began_at as changed_at,
        1 as change
    from streams
    union all
    -- one microsecond later, for at its last heartbeat it is still there
    select
        {{ dwell.later_by('last_heartbeat_at', 1) }} as changed_at,
        -1 as change
    from streams
),

moments as (
    select
        changed_at,
        {{ dwell.start_of_minute('changed_at') }} as minute_at,
        sum(change) as change
    from changes
    group by changed_at
),

counted as (
    select
        minute_at,
        changed_at,
        sum(change) over (
            order by changed_at rows between unbounded preceding and current row
        ) as streams
    from moments
),

minutes as (
    select
        minute_at,
        min(changed_at) as first_changed_at,
        max(streams) as most_in_minute,
        {{ dwell.last_by('streams', 'changed_at') }} as left_over
    from counted
    group by minute_at
),

carried as (
    select
        *,
        -- what the minute before left is in this one only if nothing changes at its very start
        case when first_changed_at > minute_at then lag(left_over) over (order by minute_at) end
            as carried_in,
        lead(minute_at) over (order by minute_at) as next_minute_at
    from minutes
),

quiet as (
    select
        minute_at,
        left_over,
        cast(
            {{ dwell.microseconds_between('minute_at', 'next_minute_at') }} / 60000000 as bigint
        ) - 1 as quiet_minutes
    from carried
    where left_over > 0
),

every_minute as (
    select
        minute_at,
        case when carried_in > most_in_minute then carried_in else most_in_minute end as streams
    from carried
    union all
    select
        {{ dwell.time_of_microseconds(
            dwell.microseconds('quiet.minute_at')
            ~ ' + 60000000 * cast(numbers.n as ' ~ dbt.type_bigint() ~ ')'
        ) }} as minute_at,
        quiet.left_over as streams
    from quiet
    cross join {{ dwell.numbers_to('quiet.quiet_minutes') }} as numbers
    where numbers.n <= quiet.quiet_minutes
)

select
    minute_at,
    cast(streams as {{ dbt.type_bigint() }}) as streams,
    streams = max(streams) over () as is_peak
from every_minute
where streams > 0
