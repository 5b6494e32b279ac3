{# dwell_event_loads: what was read, when, and under which settings. One row per file, or per run for
   a relation or the sample. It is written in the transaction that writes the events, so that the two
   never disagree, whatever dies. Declared as a source in models/staging/web/_web__sources.yml. #}

{% macro event_loads() %}
    {{- return(api.Relation.create(
        database=target.database, schema=target.schema, identifier='dwell_event_loads'
    )) -}}
{% endmacro %}


{% macro create_event_loads() %}
    {%- if execute and flags.WHICH in ('run', 'build', 'seed', 'test') -%}
        create schema if not exists {{ dwell.event_loads().without_identifier() }};
        create table if not exists {{ dwell.event_loads() }} (
            load_number bigint,
            generation bigint,
            source_number integer,
            source varchar,
            size_bytes bigint,
            modified_at timestamp,
            rows_before bigint,
            rows_read bigint,
            settings varchar
        )
    {%- endif -%}
{% endmacro %}


{% macro last_source_number() %}
    {{- return(run_query(
        'select coalesce(max(source_number), 0) from ' ~ dwell.event_loads()
    ).columns[0].values()[0] | int) -}}
{% endmacro %}


{# {file name: its row}. #}
{% macro loaded_files() %}
    {%- set loaded = {} -%}
    {%- for row in run_query(
        'select source, size_bytes, modified_at from ' ~ dwell.event_loads() ~ ' where size_bytes is not null'
    ).rows -%}
        {%- do loaded.update({row['source']: row}) -%}
    {%- endfor -%}
    {{- return(loaded) -}}
{% endmacro %}


{# SQL: rows whose load_number is below this were written before the last full refresh. #}
{% macro current_generation() -%}
    (select max(generation) from {{ dwell.event_loads() }})
{%- endmacro %}


{# SQL: the number of the load that is being written. #}
{% macro current_load() -%}
    (select max(load_number) from {{ dwell.event_loads() }})
{%- endmacro %}


{# The pre-hook of the event table: counts what the run is about to read, and says so in
   dwell_event_loads. From scratch, every earlier load is forgotten and a generation begins. #}
{% macro record_load() %}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- set from_scratch = not is_incremental() or dwell.input_is_read_whole() -%}
        create or replace temporary table dwell_this_load as
        select
            coalesce(max(load_number), 0) + 1 as load_number,
            {{ 'coalesce(max(load_number), 0) + 1' if from_scratch else 'max(generation)' }} as generation
        from {{ dwell.event_loads() }};
        {%- if flags.EMPTY %}
            {{- dwell.record_empty_load() if from_scratch }}
        {%- elif dwell.input_mode() == 'files' %}
            {{- dwell.record_file_load(from_scratch) }}
        {%- else %}
            {{- dwell.record_relation_load(from_scratch) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{# dbt's --empty: nothing is read, and nothing may pass for loaded. #}
{% macro record_empty_load() %}
delete from {{ dwell.event_loads() }};
insert into {{ dwell.event_loads() }}
select load_number, generation, 0, '(--empty)', null, null, 0, 0, {{ dwell.text(dwell.settings_in_force()) }}
from dwell_this_load;
{% endmacro %}


{% macro record_file_load(from_scratch) %}
{%- set groups = dwell.incoming_file_groups() %}
{%- set counts, reported = [], [] -%}
{%- for layout, files in groups.items() -%}
    {%- do counts.append(
        'select ' ~ loop.index ~ ' as scan, source_number, rows_read, rows_numbered from ('
        ~ dwell.count_event_files(layout, files) ~ ') as counted'
    ) -%}
    {%- if dwell.reports_broken_rows(fromjson(layout)) -%}{%- do reported.append(layout) -%}{%- endif -%}
{%- endfor %}
drop table if exists dwell_broken_rows;
drop table if exists dwell_broken_scans;
create or replace temporary table dwell_counted as
{{ counts | join(' union all ') if counts else 'select 0 as scan, 0 as source_number, 0 as rows_read, 0 as rows_numbered where false' }};
-- a row can be broken in several ways, and the reader tells each; the header is a line, but no row
create or replace temporary table dwell_incoming_broken_rows as
{%- if reported %}
select
    f.source_number,
    cast(b.line as bigint) - case when {{ dwell.json_text('f.layout', 'format') }} = 'csv' then 1 else 0 end
        as source_row,
    ltrim(min(b.csv_line), chr(10) || chr(13)) as unreadable_row
from dwell_broken_rows as b
inner join dwell_broken_scans as s on b.scan_id = s.scan_id and b.file_id = s.file_id
inner join {{ dwell.incoming_files() }} as f on s.file_path = f.source
group by f.source_number, source_row;
{%- else %}
select 0 as source_number, cast(0 as bigint) as source_row, '' as unreadable_row where false;
{%- endif %}
set variable dwell_nothing_is_broken = (select count(*) = 0 from dwell_incoming_broken_rows);
{%- if from_scratch %}
delete from {{ dwell.event_loads() }};
{%- endif %}
select error('dwell: ' || source || ' is loaded already. Run int_web__events_sessionized together with stg_web__event_rows, in a process that has parsed the project anew.')
from {{ dwell.incoming_files() }}
where source in (select source from {{ dwell.event_loads() }});
insert into {{ dwell.event_loads() }}
select
    l.load_number,
    l.generation,
    f.source_number,
    f.source,
    f.size_bytes,
    f.modified_at,
    -- files that are laid out alike are one scan, in which the rows are numbered through
    coalesce(sum(c.rows_numbered) over (
        partition by c.scan order by f.source_number rows between unbounded preceding and 1 preceding
    ), 0),
    coalesce(c.rows_read, 0)
    + (select count(*) from dwell_incoming_broken_rows as b where b.source_number = f.source_number),
    {{ dwell.text(dwell.settings_in_force()) }}
from {{ dwell.incoming_files() }} as f
left join dwell_counted as c on f.source_number = c.source_number
cross join dwell_this_load as l;
{% endmacro %}


{# A relation read by load time: modified_at is the newest load time so far, and rows_read leaves out
   the rows that are read once more. #}
{% macro record_relation_load(from_scratch) %}
{%- if dwell.input_mode() == 'sample' and load_relation(dwell.input_relation()) is none -%}
    {%- do dwell.stop('the sample is not loaded. Run dbt build, or dbt seed before dbt run; or set events_path or events_relation.') -%}
{%- endif %}
{%- if from_scratch %}
delete from {{ dwell.event_loads() }};
{%- endif %}
insert into {{ dwell.event_loads() }}
select
    l.load_number,
    l.generation,
    {{ 1 if from_scratch else dwell.last_source_number() + 1 }},
    {{ dwell.text(dwell.input_name()) }},
    null,
    r.newest,
    0,
    r.rows_there
    {%- if dwell.reads_by_load_time() and not from_scratch %}
    - (select count(*) from {{ this }} as t where {{ dwell.is_read_again('t.received_at') }})
    {%- endif %},
    {{ dwell.text(dwell.settings_in_force()) }}
from dwell_this_load as l
cross join (
    {%- if dwell.reads_by_load_time() %}
    {%- set loaded_at = dwell.quoted(var('events_loaded_at')) %}
    select max({{ loaded_at }}) as newest, count(*) as rows_there
    from {{ dwell.input_relation() }}
    where {{ dwell.is_read_again(loaded_at) }}
    {%- else %}
    select null as newest, count(*) as rows_there
    from {{ dwell.input_relation() }}
    {%- endif %}
) as r;
{% endmacro %}
