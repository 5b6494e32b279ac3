{# Looks at the input at the start of a run, so that what is wrong with it is said at once. The sample
   is looked at when it is read: dbt loads it during the run. #}
{% macro prepare_input() %}
    {%- if dwell.builds_events() and not flags.EMPTY -%}
        {%- set events = dwell.event_table() -%}
        {%- if dwell.input_mode() == 'files' -%}
            {%- do dwell.prepare_incoming_files(from_scratch=events is none) -%}
        {%- elif dwell.input_mode() == 'relation' -%}
            {%- do dwell.look_at_relation(dwell.input_relation()) -%}
            {%- if dwell.reads_by_load_time() -%}
                {%- do dwell.refuse_missing_load_times() -%}
                {%- if events is not none -%}{%- do dwell.refuse_old_load_times(events) -%}{%- endif -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{# SQL: every row of the input that the event table does not have; all of them if it is built anew. #}
{% macro read_new_events() %}
    {%- if dwell.input_mode() != 'files' -%}
        {{- return(dwell.read_event_relation()) -}}
    {%- endif -%}
    {%- set parts = [dwell.read_no_rows()] -%}
    {%- if execute and flags.WHICH in ('run', 'build') and not flags.EMPTY -%}
        {%- for layout, files in dwell.incoming_file_groups().items() -%}
            {%- do parts.append(dwell.read_event_files(layout, files)) -%}
        {%- endfor -%}
        {%- do parts.append(dwell.read_broken_rows()) -%}
    {%- endif -%}
    {{- return(parts | join('\nunion all\n')) -}}
{% endmacro %}


{# Whether this run builds the event table, from what is new or anew. #}
{% macro builds_events() %}
    {{- return(
        execute and flags.WHICH in ('run', 'build')
        and 'model.dwell.int_web__events_sessionized' in selected_resources
    ) -}}
{% endmacro %}

{% macro builds_events_anew() %}
    {{- return(dwell.builds_events() and flags.FULL_REFRESH) -}}
{% endmacro %}


{# The event table, if this run will add to it; none if the run builds it anew. #}
{% macro event_table() %}
    {%- if flags.FULL_REFRESH -%}{{- return(none) -}}{%- endif -%}
    {%- set node = graph.nodes['model.dwell.int_web__events_sessionized'] -%}
    {{- return(adapter.get_relation(node.database, node.schema, node.alias)) -}}
{% endmacro %}


{% macro read_no_rows() %}
select
    {%- for column in dwell.event_columns() %}
    cast(null as varchar) as {{ column }},
    {%- endfor %}
    cast(null as timestamp) as event_at,
    cast(null as integer) as source_number,
    cast(null as timestamp) as received_at,
    cast(null as bigint) as read_position,
    cast(null as varchar) as unreadable_row
where false
{% endmacro %}


{# What the reader passed over. read_position is negative: these rows are numbered by themselves. #}
{% macro read_broken_rows() %}
select
    {%- for column in dwell.event_columns() %}
    cast(null as varchar) as {{ column }},
    {%- endfor %}
    cast(null as timestamp) as event_at,
    source_number,
    cast(null as timestamp) as received_at,
    -source_row as read_position,
    unreadable_row
from dwell_incoming_broken_rows
{% endmacro %}


{# Nothing may be committed that does not add up: each row read is in the event table, once. #}
{% macro reconcile_load() %}
    {%- if execute and flags.WHICH in ('run', 'build') and not flags.EMPTY -%}
        select error(
            'dwell: ' || l.source || ': ' || l.rows_read || ' rows were read, but '
            || count(e.source_number) || ' arrived; nothing was changed. Please report this.'
        )
        from {{ dwell.event_loads() }} as l
        left join (
            select source_number
            from {{ this }}
            -- no stored row before this load's is looked at
            where source_number >= (
                select min(source_number) from {{ dwell.event_loads() }}
                where load_number = {{ dwell.current_load() }}
            )
        ) as e on l.source_number = e.source_number
        where l.load_number = {{ dwell.current_load() }}
        group by l.source, l.source_number, l.rows_read
        having l.rows_read <> count(e.source_number)
    {%- endif -%}
{% endmacro %}


{% macro refuse_missing_load_times() %}
    {%- set untimed = run_query(
        'select count(*) from ' ~ dwell.input_relation() ~ ' where ' ~ dwell.quoted(var('events_loaded_at')) ~ ' is null'
    ).columns[0].values()[0] -%}
    {%- if untimed > 0 -%}
        {%- do dwell.stop(
            dwell.input_name() ~ ' has ' ~ untimed ~ ' rows without a load time in '
            ~ var('events_loaded_at') ~ ', so that nobody can tell whether they are new. Fill it, or leave '
            ~ 'events_loaded_at out: then the whole relation is read each time.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro refuse_old_load_times(events) %}
    {%- set loaded_at = dwell.quoted(var('events_loaded_at')) -%}
    {%- set newest = '(select max(modified_at) from ' ~ dwell.event_loads() ~ ") - interval '1 day'" -%}
    {%- set found = run_query(
        'select (select count(*) from ' ~ dwell.input_relation() ~ ' where ' ~ loaded_at ~ ' <= ' ~ newest ~ ') as there, '
        ~ '(select count(*) from ' ~ events ~ ' where received_at <= ' ~ newest ~ ') as stored'
    ).rows[0] -%}
    {%- if found['there'] != found['stored'] -%}
        {%- do dwell.stop(
            dwell.input_name() ~ ' has changed where it was read before: ' ~ found['there'] ~ ' rows that are '
            ~ 'more than a day older than the newest load time, where there were ' ~ found['stored']
            ~ '. Load everything again with --full-refresh.'
        ) -%}
    {%- endif -%}
{% endmacro %}
