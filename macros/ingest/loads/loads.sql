{# What was read, when, and under which settings: input.loads has a row per file, or per run for a relation or
   the sample. It is written in the transaction that stores the rows, so that the two never disagree,
   whatever dies. Declared as sources in models/staging. #}

{% macro loads(input) %}
    {{- return(dwell.own_table(input.loads)) -}}
{% endmacro %}


{% macro last_source_number(input) %}
    {{- return(run_query(
        'select coalesce(max(source_number), 0) from ' ~ dwell.loads(input)
    ).columns[0].values()[0] | int) -}}
{% endmacro %}


{# SQL: rows whose load_number is below this were written before the last full refresh. #}
{% macro current_generation(input) -%}
    (select max(generation) from {{ dwell.loads(input) }})
{%- endmacro %}


{# SQL: the number of the load that is being written. #}
{% macro current_load(input) -%}
    (select max(load_number) from {{ dwell.loads(input) }})
{%- endmacro %}


{# From scratch, every earlier load is forgotten and a generation begins. #}
{% macro begin_load(input, from_scratch) %}
{%- set load_number = '(select coalesce(max(load_number), 0) + 1 from ' ~ dwell.loads(input) ~ ')'
    if dwell.has_transactions() else dwell.run_cache('load_numbers')[input.name] -%}
{{ dwell.wait_for_other_runs(dwell.loads(input)) }}
{{ dwell.check_lease(input) }}
{{ dwell.create_scratch('dwell_this_load', '
select
    ' ~ load_number ~ ' as load_number,
    ' ~ (load_number if from_scratch else '(select max(generation) from ' ~ dwell.loads(input) ~ ')') ~ ' as generation') }};
{% endmacro %}


{# Whether a full refresh died after its load was recorded and before its rows were stored. Then the newest stored load is
   none of the recorded ones, and everything is read again. Checked once, before this run writes anything. #}
{% macro full_refresh_died(input) %}
    {%- if not execute or dwell.has_transactions() -%}{{- return(false) -}}{%- endif -%}
    {%- set found = dwell.run_cache('died_from_scratch') -%}
    {%- if input.name not in found -%}
        {%- set stored = dwell.stored_table(input) -%}
        {%- do found.update({input.name: stored is not none and run_query(
            'select count(*) from ' ~ dwell.loads(input) ~ ' where load_number = ' ~ dwell.newest_stored_load(stored)
        ).columns[0].values()[0] == 0}) -%}
    {%- endif -%}
    {{- return(found[input.name]) -}}
{% endmacro %}


{% macro this_load() -%}
    {{- return(dwell.scratch('dwell_this_load')) -}}
{%- endmacro %}


{# Counts the rows that are about to be read, by a scan that does nothing else, and records the counts in the table of what
   is incoming. #}
{% macro count_incoming(input, from_scratch) %}
    {%- do dwell.prepare_relation_built_now(input) -%}
    {%- if dwell.input_mode(input) in ('relation', 'sample') -%}
        {{- dwell.count_incoming_relation(input, from_scratch) -}}
    {%- elif dwell.reads_files() -%}
        {{- dwell.count_incoming_files(input) -}}
    {%- endif -%}
{% endmacro %}


{% macro count_incoming_files(input) %}
{%- set groups = dwell.incoming_file_groups(input) %}
{%- set counts, reported = [], [] -%}
{%- for layout, files in groups.items() -%}
    {%- set scan = loop.index -%}
    {%- for some_files in files | batch(dwell.files_of_a_scan(layout, files)) -%}
        {%- do counts.append(
            'select ' ~ scan ~ ' as scan, source_number, rows_read, rows_numbered from ('
            ~ dwell.count_files(input, layout, some_files) ~ ') as counted'
        ) -%}
    {%- endfor -%}
    {%- if dwell.reports_broken_rows(fromjson(layout)) -%}{%- do reported.append(layout) -%}{%- endif -%}
{%- endfor %}
drop table if exists {{ dwell.broken_rows(input) }};
drop table if exists {{ dwell.broken_scans(input) }};
create or replace temporary table dwell_counted as
{{ counts | join(' union all ') if counts else 'select 0 as scan, 0 as source_number, 0 as rows_read, 0 as rows_numbered where false' }};
-- DuckDB reports each error of a row that has several; the header and the lines before it are no rows
create or replace temporary table dwell_incoming_broken_rows as
{%- if reported %}
select
    f.source_number,
    cast(b.line as bigint) - case
        when {{ dwell.json_text('f.layout', 'format') }} = 'csv'
            then cast({{ dwell.json_text('f.layout', 'skip') }} as bigint)
                + cast(cast({{ dwell.json_text('f.layout', 'header') }} as boolean) as bigint)
        else 0
    end as source_row,
    ltrim(min(b.csv_line), chr(10) || chr(13)) as unreadable_row
from {{ dwell.broken_rows(input) }} as b
inner join {{ dwell.broken_scans(input) }} as s on b.scan_id = s.scan_id and b.file_id = s.file_id
inner join {{ dwell.own_table(input.incoming) }} as f on s.file_path = f.source
group by f.source_number, source_row;
{%- else %}
select 0 as source_number, cast(0 as bigint) as source_row, '' as unreadable_row where false;
{%- endif %}
set variable dwell_nothing_is_broken = (select count(*) = 0 from dwell_incoming_broken_rows);
update {{ dwell.own_table(input.incoming) }} as f
set
    rows_before = c.rows_before,
    rows_read = c.rows_read
    + (select count(*) from dwell_incoming_broken_rows as b where b.source_number = f.source_number)
from (
    select
        f.source_number,
        coalesce(c.rows_read, 0) as rows_read,
        -- files that are laid out alike are one scan, in which the rows are numbered through
        coalesce(sum(c.rows_numbered) over (
            partition by c.scan order by f.source_number rows between unbounded preceding and 1 preceding
        ), 0) as rows_before
    from {{ dwell.own_table(input.incoming) }} as f
    left join dwell_counted as c on f.source_number = c.source_number
) as c
where f.source_number = c.source_number and not f.is_known;
{% endmacro %}


{# How many files to count at once. Of more than two for each of its threads, DuckDB 1.5.5 gives each file to one
   thread, and then does not report a row whose quote is never closed, nor the rest of the file in it. #}
{% macro files_of_a_scan(layout, files) %}
    {%- if fromjson(layout)['format'] != 'csv' -%}{{- return(files | length) -}}{%- endif -%}
    {{- return(2 * run_query("select current_setting('threads')").columns[0].values()[0] | int) -}}
{% endmacro %}


{# A relation read by load time: modified_at is the end of the window, and rows_read leaves out the rows that are
   read again. #}
{% macro count_incoming_relation(input, from_scratch) %}
{%- if dwell.input_mode(input) == 'sample' and load_relation(dwell.input_relation(input)) is none -%}
    {%- do dwell.raise_error('the sample is not loaded. Run dbt build, or dbt seed before dbt run; or set ' ~ input.name ~ '_path or ' ~ input.name ~ '_relation.') -%}
{%- endif %}
{%- set window = dwell.load_window(input) if dwell.reads_by_load_time(input) else {} %}
{{ dwell.create_incoming(input) }};
insert into {{ dwell.own_table(input.incoming) }} (source_number, source, modified_at, is_known, rows_before, rows_read)
select
    {{ 1 if from_scratch else '(select coalesce(max(source_number), 0) + 1 from ' ~ dwell.loads(input) ~ ')' }},
    {{ dwell.text(dwell.input_name(input)) }},
    {{ dwell.moment(window['to']) if window.get('to') is not none else 'cast(null as ' ~ dbt.type_timestamp() ~ ')' }},
    false,
    0,
    count(*)
    {%- if window and input.keeps_rows and not from_scratch %}
    - (select count(*) from {{ this }} as t where {{ dwell.is_in_window(input, 't.received_at') }})
    {%- endif %}
from {{ dwell.input_relation(input) }} as their_rows
    {%- if window %}
where {{ dwell.is_to_read(input) }}
    {%- endif %};
{% endmacro %}


{% macro create_incoming(input, or_replace=true) %}
{#- is_known: whether all that it holds is loaded, so that it is not read -#}
{{ dwell.create_table(dwell.own_table(input.incoming), {
    'source_number': 'int',
    'source': 'string',
    'size_bytes': 'bigint',
    'modified_at': 'timestamp',
    'layout': 'string',
    'is_known': 'boolean',
    'rows_before': 'bigint',
    'rows_read': 'bigint',
}, or_replace) }}
{%- endmacro %}


{# Records that what is incoming is loaded. With dbt's --empty, nothing is read, and nothing may count as loaded. #}
{% macro record_incoming(input, from_scratch) %}
{%- if from_scratch %}
-- BigQuery wants a condition
delete from {{ dwell.loads(input) }} where true;
{%- endif %}
{%- if flags.EMPTY %}
    {%- if from_scratch %}
insert into {{ dwell.loads(input) }}
select load_number, generation, 0, '(--empty)', null, cast(null as {{ dbt.type_timestamp() }}), 0, 0, {{ dwell.text(dwell.settings_in_force(input)) }}, null
from {{ dwell.this_load() }};
    {%- endif %}
{%- else %}
{%- set loaded_already -%}
'dwell: ' || source || ' is loaded already. Run {{ input.stored_in }} together with the staging models, in a process that parses the project again.'
{%- endset %}
select {{ dwell.fail_with(loaded_already) }}
from {{ dwell.own_table(input.incoming) }}
where size_bytes is not null and source in (select source from {{ dwell.loads(input) }});
{%- if not from_scratch and dwell.has_transactions() %}
{%- set loaded_meanwhile -%}
'dwell: another run has loaded from ' || source || ' since this one looked. Nothing was changed; run dbt again.'
{%- endset %}
select {{ dwell.fail_with(loaded_meanwhile) }}
from {{ dwell.own_table(input.incoming) }}
where size_bytes is null and source_number in (select source_number from {{ dwell.loads(input) }});
{%- endif %}
insert into {{ dwell.loads(input) }}
select
    l.load_number,
    l.generation,
    f.source_number,
    f.source,
    f.size_bytes,
    f.modified_at,
    f.rows_before,
    f.rows_read,
    {{ dwell.text(dwell.settings_in_force(input)) }},
    {{ dwell.json_text('f.layout', 'format') }}
from {{ dwell.own_table(input.incoming) }} as f
cross join {{ dwell.this_load() }} as l;
{%- endif %}
{% endmacro %}
