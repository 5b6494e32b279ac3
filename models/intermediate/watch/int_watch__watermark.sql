{{ config(materialized='view') }}
-- depends_on: {{ ref('int_watch__streams') }}
-- The watermark depends on what has arrived, never on the time at which a run starts.
with landed as (
    select
        max(newest_event_at) as newest_event_at,
        max(newest_received_at) as newest_received_at
    from {{ source('dwell_watch', 'dwell_heartbeats_landed') }}
),

override as (
    -- watch_as_of, the latest value so far
    select max(as_of) as as_of
    from {{ source('dwell_watch', 'dwell_watch_as_of') }}
),

pending as (
    -- messages that have landed and are loaded by a later run
    select max(watermark_at) as watermark_at
    from {{ source('dwell_watch', 'dwell_heartbeats_waiting') }}
),

by_heartbeats as (
    -- a player whose time is ahead of the broker's ends no stream
    select
        case
            when newest_event_at > newest_received_at then newest_received_at
            else newest_event_at
        end as watermark_at
    from landed
),

with_override as (
    -- the override moves the watermark forward only
    select
        case
            when by_heartbeats.watermark_at >= override.as_of then by_heartbeats.watermark_at
            else coalesce(override.as_of, by_heartbeats.watermark_at)
        end as watermark_at
    from by_heartbeats
    cross join override
)

-- pending messages hold the watermark back
select
    case
        when with_override.watermark_at > pending.watermark_at then pending.watermark_at
        else with_override.watermark_at
    end as watermark_at
from with_override
cross join pending
