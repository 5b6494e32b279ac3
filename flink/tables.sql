-- The three topics. To use another broker or topic, add a line after this file:
--   ALTER TABLE heartbeats SET ('properties.bootstrap.servers' = 'kafka:9092', 'topic' = 'beats');

CREATE TABLE heartbeats (
  user_id STRING,
  program_id STRING,
  start_time TIMESTAMP_LTZ(3),
  session_id STRING,
  device STRING,
  event_time TIMESTAMP_LTZ(3),
  received_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  -- Time is the broker's, so no player's wrong time ends a stream of others. The watermark is behind
  -- it by the 10 s after which accepted.sql calls a heartbeat late, and by 5 s, because time stamps
  -- may go back by that in a partition.
  WATERMARK FOR event_time AS received_at - INTERVAL '15' SECOND
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
