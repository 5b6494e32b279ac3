-- Which heartbeats count, by the rule of dwell's stg_watch__heartbeats, and which of them are late.

CREATE TEMPORARY VIEW readable AS
SELECT
  -- spaces around a value are no part of it
  BTRIM(user_id, U&' \0009\000a\000d') AS user_id,
  BTRIM(program_id, U&' \0009\000a\000d') AS program_id,
  start_time,
  BTRIM(session_id, U&' \0009\000a\000d') AS session_id,
  BTRIM(device, U&' \0009\000a\000d') AS device,
  event_time,
  received_at
FROM heartbeats
WHERE
  event_time >= TO_TIMESTAMP_LTZ(946684800000, 3)  -- 2000-01-01
  AND event_time <= received_at + INTERVAL '60' MINUTE
  AND start_time >= TO_TIMESTAMP_LTZ(946684800000, 3)
  AND start_time <= received_at + INTERVAL '60' MINUTE
  -- an object or a list in place of a value comes as its JSON
  AND ((user_id NOT LIKE '{%' AND user_id NOT LIKE '[%') OR user_id IS NOT JSON)
  AND ((program_id NOT LIKE '{%' AND program_id NOT LIKE '[%') OR program_id IS NOT JSON)
  AND ((session_id NOT LIKE '{%' AND session_id NOT LIKE '[%') OR session_id IS NOT JSON)
  AND ((device NOT LIKE '{%' AND device NOT LIKE '[%') OR device IS NOT JSON);

-- what is empty is missing
CREATE TEMPORARY VIEW accepted AS
SELECT *
FROM readable
WHERE user_id <> '' AND program_id <> '' AND session_id <> '' AND device <> '';

-- Whether a heartbeat is late is a property of the message, and not of when Flink reads it: a job
-- that is restarted, is slower, or has more tasks has the same result.
CREATE TEMPORARY VIEW in_time AS
SELECT * FROM accepted WHERE event_time >= received_at - INTERVAL '10' SECOND;

CREATE TEMPORARY VIEW late AS
SELECT * FROM accepted WHERE event_time < received_at - INTERVAL '10' SECOND;
