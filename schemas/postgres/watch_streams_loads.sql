create table watch_streams_loads (
    shard text not null,
    batch bigint not null,
    load_mode text not null,
    ledger bigint not null,
    loaded_at timestamp not null,
    inserted bigint not null,
    updated bigint not null,
    removed bigint not null,
    primary key (shard, batch)
);
comment on table watch_streams_loads is 'Loads of the table of this name without _loads: each is there with its rows, or not at all.';
comment on column watch_streams_loads.shard is 'The shard that was loaded.';
comment on column watch_streams_loads.batch is 'Number of the load, counted in its shard.';
comment on column watch_streams_loads.load_mode is 'merge, append or overwrite; all loads of a table are of one.';
comment on column watch_streams_loads.ledger is 'Which ledger it came from; 0 where there is none.';
comment on column watch_streams_loads.loaded_at is 'When it was loaded (UTC).';
comment on column watch_streams_loads.inserted is 'Rows that it added.';
comment on column watch_streams_loads.updated is 'Rows that it replaced.';
comment on column watch_streams_loads.removed is 'Rows that it removed.';
