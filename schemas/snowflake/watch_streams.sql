-- cluster by the day on which viewing began: what one asks is by time, and micro-partitions of
-- other days are skipped. Loads come by time, so there is little to cluster again.
-- A day, and not the moment: a key with fewer values costs less to keep.
-- The primary key is not enforced; it documents what dwell's loads guarantee.
-- Times are UTC without a zone (ntz), so that a day is the same day for every user.
create table watch_streams (
    user_id varchar not null comment 'The viewer, trimmed; a pseudonym where `pseudonymize_user_ids` is on.',
    program_id varchar not null comment 'What played.',
    start_time timestamp_ntz(6) not null comment 'When the app began the program in this session (UTC), as its heartbeats report it. It does not change with a pause.',
    session_id varchar not null comment 'The session of the app.',
    device varchar not null comment 'The device.',
    stream_duration double not null comment 'Seconds from `began_at` to the last heartbeat.',
    stream_id varchar not null comment 'Hash (MD5, hexadecimal) of session, user, device, program, start time and first heartbeat. A late heartbeat that comes before gives the stream another first one, and so another id.',
    began_at timestamp_ntz(6) not null comment 'When viewing began (UTC): `start_time`, if the first heartbeat came within the timeout after it; else the first heartbeat, because a stream that goes on after a long pause has an old `start_time`, and the pause was not watched.',
    first_heartbeat_at timestamp_ntz(6) not null comment 'Time of the first heartbeat (UTC).',
    last_heartbeat_at timestamp_ntz(6) not null comment 'Time of the last heartbeat (UTC).',
    heartbeats bigint not null comment 'Heartbeats received; one that was sent twice counts twice.',
    revision integer not null comment 'Number of the revision of the stream: 1 at first, one more with each correction.',
    shard varchar not null comment 'Which of the databases that share the table loaded it, as --shard names it; main where one database has the table to itself.',
    loaded_at timestamp_ntz(6) not null comment 'When it was loaded (UTC), by the time of the machine that runs dwell.',
    primary key (stream_id)
)
cluster by (to_date(began_at))
comment = 'Watch streams that have ended, one a row; stream_id is the key. Times are UTC.';
