-- The three topics. Another broker or topic is a line of one's own after this file:
--   ALTER TABLE heartbeats SET ('properties.bootstrap.servers' = 'kafka:9092', 'topic' = 'beats');

CREATE TABLE heartbeats (
  user_id STRING,
  program_id STRING,
  start_time TIMESTAMP_LTZ(3),
  session_id STRING,
  device STRING,
  event_time TIMESTAMP_LTZ(3),
  -- a message that only tells how late it is: mark_time.py
  time_mark TIMESTAMP_LTZ(3),
  received_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  happened_at AS COALESCE(event_time, time_mark),
  -- The broker's time bounds what a player says: a clock that is ahead ends nobody's stream. One that
  -- is too far ahead is not believed at all. 10 s is how late a heartbeat may be and still count.
  WATERMARK FOR happened_at AS CASE
    WHEN happened_at <= received_at + INTERVAL '60' MINUTE
      THEN LEAST(happened_at, received_at) - INTERVAL '10' SECOND
  END
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '127.0.0.1:9092',
  'topic' = 'heartbeats',
  'properties.group.id' = 'dwell-flink',
  'properties.isolation.level' = 'read_committed',
  'scan.startup.mode' = 'earliest-offset',
  'value.format' = 'json',
  'value.json.ignore-parse-errors' = 'true',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TABLE watch_streams (
  user_id STRING,
  program_id STRING,
  start_time TIMESTAMP_LTZ(3),
  session_id STRING,
  device STRING,
  stream_duration DECIMAL(18, 3),
  began_at TIMESTAMP_LTZ(3),
  first_heartbeat_at TIMESTAMP_LTZ(3),
  last_heartbeat_at TIMESTAMP_LTZ(3),
  heartbeats BIGINT
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '127.0.0.1:9092',
  'topic' = 'watch_streams',
  'key.format' = 'raw',
  'key.fields' = 'session_id',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'dwell-watch-streams',
  -- longer than the longest time between two checkpoints, a restart included
  'properties.transaction.timeout.ms' = '600000'
);

-- Heartbeats again, with the time at which the broker received them first.
CREATE TABLE late_heartbeats (
  user_id STRING,
  program_id STRING,
  start_time TIMESTAMP_LTZ(3),
  session_id STRING,
  device STRING,
  event_time TIMESTAMP_LTZ(3),
  received_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '127.0.0.1:9092',
  'topic' = 'late_heartbeats',
  'key.format' = 'raw',
  'key.fields' = 'session_id',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'dwell-late-heartbeats',
  'properties.transaction.timeout.ms' = '600000'
);
