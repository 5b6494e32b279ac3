{%- set minutes = dwell.timeouts_compared() -%}
{%- set visitor = 'visitor_key_1, visitor_key_2' -%}
{%- set in_order = 'partition by ' ~ visitor ~ ' order by island_started_at' -%}
{%- set previous = 'lag(island_ended_at) over (' ~ in_order ~ ')' -%}
with events as (
    select {{ dwell.visitor_as_key() }}, event_at
    from {{ ref('int_web__events_sessionized') }}
    where reject_reason is null and not is_duplicate and not is_ignored
),

-- the only scan of the events: islands at the shortest timeout, of which all longer ones are made
shortest_islands as (
    {{ dwell.island_bounds(
        relation='events',
        partition_by=['visitor_key_1', 'visitor_key_2'],
        order_by='event_at',
        timeout_seconds=minutes[0] * 60
    ) | indent(4) }}
),

gaps as (
    select
        *,
        {{ dwell.microseconds_between(previous, 'island_started_at') }} as gap_us
    from shortest_islands
),

timeouts as (
    {%- for minute in minutes %}
    select
        {{ dwell.double(minute) }} as timeout_minutes,
        {{ (minute * 60000000) | round | int }} as timeout_us
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

joined_up as (
    select
        timeouts.timeout_minutes,
        timeouts.timeout_us,
        gaps.visitor_key_1,
        gaps.visitor_key_2,
        gaps.island_started_at,
        gaps.island_ended_at,
        gaps.event_count,
        sum(
            case
                when gaps.gap_us <= timeouts.timeout_us then 0
                else 1
            end
        ) over (
            partition by timeouts.timeout_us, gaps.visitor_key_1, gaps.visitor_key_2
            order by gaps.island_started_at
            rows between unbounded preceding and current row
        ) as session_number
    from gaps
    cross join timeouts
),

sessions as (
    select
        timeout_minutes,
        {{ dwell.microseconds_between('min(island_started_at)', 'max(island_ended_at)') }}
            as duration_us,
        sum(event_count) as event_count
    from joined_up
    group by timeout_minutes, {{ visitor }}, session_number
)

select
    timeout_minutes,
    timeout_minutes = {{ var('session_timeout_minutes') | float }} as is_in_force,
    count(*) as sessions,
    {{ dwell.mean_seconds('duration_us') }} as mean_duration_seconds,
    {{ dwell.as_seconds(dwell.median('duration_us')) }} as median_duration_seconds,
    cast(max(event_count) as {{ dbt.type_bigint() }}) as most_events
from sessions
group by timeout_minutes
