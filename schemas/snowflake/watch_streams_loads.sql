create table watch_streams_loads (
    shard varchar not null comment 'The shard that was loaded.',
    batch bigint not null comment 'Number of the load, counted in its shard.',
    load_mode varchar not null comment 'merge, append or overwrite; all loads of a table are of one.',
    ledger bigint not null comment 'Which ledger it came from; 0 where there is none.',
    loaded_at timestamp_ntz(6) not null comment 'When it was loaded (UTC).',
    inserted bigint not null comment 'Rows that it added.',
    updated bigint not null comment 'Rows that it replaced.',
    removed bigint not null comment 'Rows that it removed.',
    primary key (shard, batch)
)
comment = 'Loads of the table of this name without _loads: each is there with its rows, or not at all.';
