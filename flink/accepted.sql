-- Which heartbeats count, by the rule of dwell's stg_watch__heartbeats, and which of them are late.

CREATE TEMPORARY VIEW readable AS
SELECT
  -- spaces around a value are no part of it
  BTRIM(user_id, U&' \0009\000a\000d') AS user_id,
  BTRIM(program_id, U&' \0009\000a\000d') AS program_id,
  start_time,
  BTRIM(session_id, U&' \0009\000a\000d') AS session_id,
  BTRIM(device, U&' \0009\000a\000d') AS device,
  happened_at,
  received_at,
  -- Time has passed it: the stream that it belongs to may have been told. Each heartbeat is judged
  -- here, once, so that it is either in a stream or in late_heartbeats.
  COALESCE(
    happened_at - INTERVAL '0.001' SECOND <= CURRENT_WATERMARK(happened_at), FALSE
  ) AS is_late
FROM heartbeats
WHERE
  event_time IS NOT NULL
  AND start_time IS NOT NULL
  AND happened_at >= TO_TIMESTAMP_LTZ(946684800000, 3)  -- 2000-01-01
  AND happened_at <= received_at + INTERVAL '60' MINUTE
  -- an object or a list in place of a value comes as its JSON
  AND ((user_id NOT LIKE '{%' AND user_id NOT LIKE '[%') OR user_id IS NOT JSON)
  AND ((program_id NOT LIKE '{%' AND program_id NOT LIKE '[%') OR program_id IS NOT JSON)
  AND ((session_id NOT LIKE '{%' AND session_id NOT LIKE '[%') OR session_id IS NOT JSON)
  AND ((device NOT LIKE '{%' AND device NOT LIKE '[%') OR device IS NOT JSON);

-- what is empty is missing
CREATE TEMPORARY VIEW in_time AS
SELECT user_id, program_id, start_time, session_id, device, happened_at
FROM readable
WHERE NOT is_late AND user_id <> '' AND program_id <> '' AND session_id <> '' AND device <> '';

CREATE TEMPORARY VIEW late AS
SELECT user_id, program_id, start_time, session_id, device, happened_at, received_at
FROM readable
WHERE is_late AND user_id <> '' AND program_id <> '' AND session_id <> '' AND device <> '';
