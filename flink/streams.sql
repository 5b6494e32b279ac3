-- The job: heartbeats with at most 60 s of silence between them are one stream.
EXECUTE STATEMENT SET BEGIN

INSERT INTO watch_streams
SELECT
  user_id,
  program_id,
  start_time,
  session_id,
  device,
  EXTRACT(EPOCH FROM last_heartbeat_at) - EXTRACT(EPOCH FROM began_at)
  + (EXTRACT(MILLISECOND FROM last_heartbeat_at) - EXTRACT(MILLISECOND FROM began_at)) * 0.001,
  began_at,
  first_heartbeat_at,
  last_heartbeat_at,
  heartbeats
FROM (
  SELECT
    *,
    -- a resumed stream has an old start_time, from which its viewing did not go on
    CASE
      WHEN first_heartbeat_at BETWEEN start_time AND start_time + INTERVAL '60' SECOND
        THEN start_time
      ELSE first_heartbeat_at
    END AS began_at
  FROM (
    SELECT
      user_id,
      program_id,
      start_time,
      session_id,
      device,
      MIN(event_time) AS first_heartbeat_at,
      MAX(event_time) AS last_heartbeat_at,
      COUNT(*) AS heartbeats
    FROM TABLE(SESSION(
      TABLE in_time PARTITION BY (user_id, program_id, start_time, session_id, device),
      DESCRIPTOR(event_time),
      INTERVAL '60' SECOND
    ))
    GROUP BY user_id, program_id, start_time, session_id, device, window_start, window_end
  )
);

INSERT INTO late_heartbeats
SELECT user_id, program_id, start_time, session_id, device, event_time, received_at
FROM late;

END;
