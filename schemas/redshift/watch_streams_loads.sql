-- a copy on each node: it is small
create table watch_streams_loads (
    batch bigint not null,
    load_mode varchar(32) not null,
    ledger bigint not null,
    loaded_at timestamp not null,
    inserted bigint not null,
    updated bigint not null,
    removed bigint not null,
    primary key (batch)
)
diststyle all;
comment on table watch_streams_loads is 'Loads of the table of this name without _loads: each is there with its rows, or not at all.';
comment on column watch_streams_loads.batch is 'Number of the load.';
comment on column watch_streams_loads.load_mode is 'merge, append or overwrite; a table is loaded in one of them.';
comment on column watch_streams_loads.ledger is 'Which ledger it came from; 0 where there is none.';
comment on column watch_streams_loads.loaded_at is 'When it was loaded (UTC).';
comment on column watch_streams_loads.inserted is 'Rows that it added.';
comment on column watch_streams_loads.updated is 'Rows that it replaced.';
comment on column watch_streams_loads.removed is 'Rows that it removed.';
