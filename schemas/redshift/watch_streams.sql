-- distkey user_id: what one asks counts users or groups by them, and no user has a large share
-- of the rows, so that the nodes have equal parts.
-- sortkey began_at: queries are by time, and blocks of other days are skipped.
-- The primary key is not enforced; it informs the planner of what dwell's loads guarantee.
-- varchar(65535): Redshift refuses what is longer than declared, and apps send what they send.
create table watch_streams (
    user_id varchar(65535) not null,
    program_id varchar(65535) not null,
    start_time timestamp not null,
    session_id varchar(65535) not null,
    device varchar(65535) not null,
    stream_duration double precision not null,
    stream_id varchar(32) not null,
    began_at timestamp not null,
    first_heartbeat_at timestamp not null,
    last_heartbeat_at timestamp not null,
    heartbeats bigint not null,
    revision integer not null,
    shard varchar(63) not null,
    loaded_at timestamp not null,
    primary key (stream_id)
)
distkey (user_id)
sortkey (began_at);
comment on table watch_streams is 'Watch streams that have ended, one a row; stream_id is the key. Times are UTC.';
comment on column watch_streams.user_id is 'The viewer, trimmed; a pseudonym where `pseudonymize_user_ids` is on.';
comment on column watch_streams.program_id is 'What played.';
comment on column watch_streams.start_time is 'When the app began the program in this session (UTC), as its heartbeats report it. It does not change with a pause.';
comment on column watch_streams.session_id is 'The session of the app.';
comment on column watch_streams.device is 'The device.';
comment on column watch_streams.stream_duration is 'Seconds from `began_at` to the last heartbeat.';
comment on column watch_streams.stream_id is 'Hash (MD5, hexadecimal) of session, user, device, program, start time and first heartbeat. A late heartbeat that comes before gives the stream another first one, and so another id.';
comment on column watch_streams.began_at is 'When viewing began (UTC): `start_time`, if the first heartbeat came within the timeout after it; else the first heartbeat, because a stream that goes on after a long pause has an old `start_time`, and the pause was not watched.';
comment on column watch_streams.first_heartbeat_at is 'Time of the first heartbeat (UTC).';
comment on column watch_streams.last_heartbeat_at is 'Time of the last heartbeat (UTC).';
comment on column watch_streams.heartbeats is 'Heartbeats received; one that was sent twice counts twice.';
comment on column watch_streams.revision is 'Number of the revision of the stream: 1 at first, one more with each correction.';
comment on column watch_streams.shard is 'Which of the databases that share the table loaded it, as --shard names it; main where one database has the table to itself.';
comment on column watch_streams.loaded_at is 'When it was loaded (UTC), by the time of the machine that runs dwell.';
