-- The primary key keeps a stream from being there twice. A table that is partitioned by day could
-- not promise that, for its key would have to contain the day; so it is not, and an index finds a day.
-- The index of users is a hash: a B-tree refuses values over 2.7 kB, and apps send what they send.
-- Times are UTC without a zone, so that a day is the same day for every user.
create table watch_stream_history (
    user_id text not null,
    program_id text not null,
    start_time timestamp not null,
    session_id text not null,
    device text not null,
    stream_duration double precision not null,
    stream_id text not null,
    began_at timestamp not null,
    first_heartbeat_at timestamp not null,
    last_heartbeat_at timestamp not null,
    heartbeats bigint not null,
    revision integer not null,
    is_retracted boolean not null,
    shard text not null,
    loaded_at timestamp not null,
    primary key (stream_id, revision)
);
create index on watch_stream_history (began_at);
create index on watch_stream_history using hash (user_id);
comment on table watch_stream_history is 'Published revisions of ended watch streams, one per row; of each stream, the latest one that is not retracted holds. Times are UTC.';
comment on column watch_stream_history.user_id is 'The viewer, trimmed; a pseudonym where `pseudonymize_user_ids` is on.';
comment on column watch_stream_history.program_id is 'What played.';
comment on column watch_stream_history.start_time is 'When the app began the program in this session (UTC), as its heartbeats report it. It does not change with a pause.';
comment on column watch_stream_history.session_id is 'The session of the app.';
comment on column watch_stream_history.device is 'The device.';
comment on column watch_stream_history.stream_duration is 'Seconds from `began_at` to the last heartbeat.';
comment on column watch_stream_history.stream_id is 'Hash (MD5, hexadecimal) of session, user, device, program, start time and first heartbeat. A late heartbeat that comes before gives the stream another first one, and so another id.';
comment on column watch_stream_history.began_at is 'When viewing began (UTC): `start_time`, if the first heartbeat came within the timeout after it; else the first heartbeat, because a stream that goes on after a long pause has an old `start_time`, and the pause was not watched.';
comment on column watch_stream_history.first_heartbeat_at is 'Time of the first heartbeat (UTC).';
comment on column watch_stream_history.last_heartbeat_at is 'Time of the last heartbeat (UTC).';
comment on column watch_stream_history.heartbeats is 'Heartbeats received; one that was sent twice counts twice.';
comment on column watch_stream_history.revision is 'Number of the revision of the stream: 1 at first, one more with each correction.';
comment on column watch_stream_history.is_retracted is 'Whether the stream is retracted: it merged into another, began earlier, or continues.';
comment on column watch_stream_history.shard is 'Which of the databases that share the table loaded it, as --shard names it; main where one database has the table to itself.';
comment on column watch_stream_history.loaded_at is 'When it was loaded (UTC), by the time of the machine that runs dwell.';
