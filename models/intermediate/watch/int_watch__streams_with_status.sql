{{ config(materialized='view') }}

with streams as (
    select * from {{ ref('int_watch__streams') }}
),

progress as (
    select watermark_at from {{ ref('int_watch__watermark') }}
)

select
    streams.user_id,
    streams.program_id,
    streams.start_time,
    streams.session_id,
    streams.device,
    {{ dwell.stream_id() }} as stream_id,
    streams.began_at,
    streams.first_heartbeat_at,
    streams.last_heartbeat_at,
    streams.heartbeats,
    {{ dwell.seconds_between('streams.began_at', 'streams.last_heartbeat_at') }} as watched_seconds,
    -- 60 seconds by default: a stream ends when the watermark passes its last heartbeat by more
    {{ dwell.exceeds_timeout(
        dwell.microseconds_between('streams.last_heartbeat_at', 'progress.watermark_at'),
        var('watch_timeout_seconds')
    ) }} as is_ended
from streams
cross join progress
