{{ config(materialized='view') }}
-- depends_on: {{ ref('int_watch__streams') }}
-- How far time has come, by what has arrived: the clock of whoever runs this plays no part.
with landed as (
    select
        max(newest_event_at) as newest_event_at,
        max(newest_received_at) as newest_received_at
    from {{ source('dwell_watch', 'dwell_heartbeats_landed') }}
),

handed_in as (
    select max(as_of) as as_of
    from {{ source('dwell_watch', 'dwell_watch_as_of') }}
),

waiting as (
    select max(watermark_at) as watermark_at
    from {{ source('dwell_watch', 'dwell_heartbeats_waiting') }}
),

by_heartbeats as (
    -- a clock that is ahead of the broker's ends nobody's stream
    select
        case
            when newest_event_at > newest_received_at then newest_received_at
            else newest_event_at
        end as reached_at
    from landed
),

reached as (
    select
        case
            when by_heartbeats.reached_at >= handed_in.as_of then by_heartbeats.reached_at
            else coalesce(handed_in.as_of, by_heartbeats.reached_at)
        end as reached_at
    from by_heartbeats
    cross join handed_in
)

-- messages that have landed and wait to be loaded hold the watermark back
select
    case
        when reached.reached_at > waiting.watermark_at then waiting.watermark_at
        else reached.reached_at
    end as reached_at
from reached
cross join waiting
