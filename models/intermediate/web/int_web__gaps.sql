-- The gaps between events, counted by size. All evidence for the timeout comes from these counts,
-- so that the events are not read again.
{%- set timeout = var('session_timeout_minutes') | float -%}
{%- set minutes = dwell.timeouts_compared([timeout / 2, timeout * 2]) -%}
{%- set shorter = namespace(value=none) %}

with gaps_within_islands as (
    select
        gap_us,
        false as is_between_islands
    from {{ ref('int_web__events_sessionized') }}
    where gap_us > 0 and not is_ignored and not is_duplicate
),

gaps_between_islands as (
    select
        {{ dwell.microseconds_between('previous_ended_at', 'started_at') }} as gap_us,
        true as is_between_islands
    from {{ ref('int_web__sessions_numbered') }}
    where started_at = island_started_at and previous_ended_at is not null
),

gaps as (
    select * from gaps_within_islands
    union all
    select * from gaps_between_islands
),

sized as (
    select
        gap_us,
        is_between_islands,
        -- logarithms differ in the last digit, but a power of ten begins a bin on each engine
        cast(floor(
            {{ dwell.log10(dwell.as_seconds('greatest(gap_us, 1)')) }} * 20
            + {{ dwell.double('1e-12') }}
        ) as {{ dbt.type_int() }}) as size_bin,
        case
            {%- for minute in minutes %}
            when gap_us <= {{ (minute * 60000000) | round | int }}
                then {{ dwell.double(shorter.value or 'null') }}
            {%- set shorter.value = minute %}
            {%- endfor %}
            else {{ dwell.double(minutes[-1]) }}
        end as over_minutes
    from gaps
)

select
    size_bin,
    over_minutes,
    is_between_islands,
    count(*) as gaps,
    {{ dwell.as_seconds('sum(gap_us)') }} as gap_seconds
from sized
group by size_bin, over_minutes, is_between_islands
