{# Looks at the inputs at the start of a run, so that what is wrong with them is said at once. A sample is
   looked at when it is read: dbt loads it during the run. So is a relation that the run builds. #}
{% macro prepare_inputs() %}
    {%- set names = dwell.inputs_in_use() if dwell.is_at_work() else [] -%}
    {%- for name in names -%}{%- do dwell.refuse_half_an_input(dwell.input(name)) -%}{%- endfor -%}
    {%- do dwell.refuse_no_input(names) -%}
    {#- files first: dbt begins a transaction where it looks at a relation, and rolls back what follows -#}
    {%- for mode in ['files', 'relation'] if not flags.EMPTY -%}
        {%- for name in names -%}
            {%- set input = dwell.input(name) -%}
            {%- if dwell.stores(input) and dwell.input_mode(input) == mode and not dwell.is_built_by_this_run(input) -%}
                {%- do dwell.prepare_input(input, dwell.stored_table(input)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}


{# A package has no sample to fall back on. #}
{% macro refuse_no_input(names) %}
    {%- set given, wanting = [], [] -%}
    {%- for name in names -%}
        {%- set input = dwell.input(name) -%}
        {%- if dwell.input_mode(input) != 'none' -%}{%- do given.append(name) -%}
        {%- elif dwell.stores(input) -%}{%- do wanting.append(name) -%}{%- endif -%}
    {%- endfor -%}
    {%- if wanting and not given -%}
        {%- do dwell.stop(
            'nothing says where its input is. Under vars: dwell: in dbt_project.yml, set ' ~ wanting | join('_relation or ')
            ~ "_relation, as in ref('my_" ~ wanting[0] ~ "'); or disable its models, as in models: dwell: +enabled: false."
        ) -%}
    {%- endif -%}
{% endmacro %}


{# Of the pre-hook that counts what is read: looks at a relation that this run has just built. #}
{% macro look_at_what_was_built(input) %}
    {%- if dwell.input_mode(input) == 'relation' and dwell.is_built_by_this_run(input) -%}
        {%- do dwell.prepare_input(input, dwell.stored_table(input)) -%}
    {%- endif -%}
{% endmacro %}


{# Where what is new is staged in a table of its own, one of the two alone would store an old batch, or none. #}
{% macro refuse_half_an_input(input) %}
    {%- if input.staged_in and execute and flags.WHICH in ('run', 'build')
        and dwell.stores(input) != ('model.dwell.' ~ input.staged_in in selected_resources) -%}
        {%- do dwell.stop(
            input.staged_in ~ ' and ' ~ input.stored_in ~ ' go together. Select both, as in --select '
            ~ input.staged_in ~ '+, or none.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{# stored: the table that this run adds to; none if it is built anew. #}
{% macro prepare_input(input, stored) %}
    {%- if dwell.input_mode(input) == 'files' -%}
        {%- do dwell.prepare_incoming_files(input, from_scratch=stored is none) -%}
    {%- elif dwell.input_mode(input) == 'relation' -%}
        {%- do dwell.look_at_relation(input, dwell.input_relation(input)) -%}
        {%- if dwell.reads_by_load_time(input) -%}
            {%- do dwell.refuse_missing_load_times(input) -%}
            {%- if stored is not none -%}{%- do dwell.refuse_old_load_times(input, stored) -%}{%- endif -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{# SQL: every row of the input that is not stored; all of them if the table is built anew. #}
{% macro read_new_rows(input) %}
    {%- if dwell.input_mode(input) in ('relation', 'sample') -%}
        {{- return(dwell.read_relation(input)) -}}
    {%- endif -%}
    {%- set parts = [dwell.read_no_rows(input)] -%}
    {%- if dwell.input_mode(input) == 'files' and execute and flags.WHICH in ('run', 'build') and not flags.EMPTY -%}
        {%- for layout, files in dwell.incoming_file_groups(input).items() -%}
            {%- set reads = dwell.read_landing_files if fromjson(layout)['format'] == 'landing' else dwell.read_files -%}
            {%- do parts.append(reads(input, layout, files)) -%}
        {%- endfor -%}
        {%- do parts.append(dwell.read_broken_rows(input)) -%}
    {%- endif -%}
    {{- return(parts | join('\nunion all\n')) -}}
{% endmacro %}


{# Whether this run writes the table that stores an input, from what is new or anew. #}
{% macro stores(input) %}
    {{- return(
        execute and flags.WHICH in ('run', 'build')
        and 'model.dwell.' ~ input.stored_in in selected_resources
    ) -}}
{% endmacro %}

{% macro stores_anew(input) %}
    {{- return(dwell.stores(input) and flags.FULL_REFRESH) -}}
{% endmacro %}


{# The table that stores an input, if this run will add to it; none if the run builds it anew. #}
{% macro stored_table(input) %}
    {%- if flags.FULL_REFRESH -%}{{- return(none) -}}{%- endif -%}
    {%- set node = graph.nodes['model.dwell.' ~ input.stored_in] -%}
    {{- return(adapter.get_relation(node.database, node.schema, node.alias)) -}}
{% endmacro %}


{# Whether a run, where the table is there, adds what is new to it instead of storing all anew. #}
{% macro adds_to(input) %}
    {{- return(not dwell.input_is_read_whole(input) and not dwell.died_from_scratch(input)) -}}
{% endmacro %}


{# Whether a run stores an input from nothing. #}
{% macro is_from_scratch(input) %}
    {{- return(
        not dwell.adds_to(input) or dwell.stored_table(input) is none
    ) -}}
{% endmacro %}


{% macro read_no_rows(input) %}
select
    {{ dwell.no_values(input) }}
    cast(null as {{ dbt.type_int() }}) as source_number,
    cast(null as {{ dbt.type_timestamp() }}) as received_at,
    cast(null as {{ dbt.type_bigint() }}) as read_position,
    cast(null as {{ dwell.type_text() }}) as unreadable_row
    {{- ',\n    ' ~ dwell.place_columns() if input.has_places }}
where false
{% endmacro %}


{# What the reader passed over. read_position is negative: these rows are numbered by themselves. #}
{% macro read_broken_rows(input) %}
select
    {{ dwell.no_values(input) }}
    source_number,
    cast(null as {{ dbt.type_timestamp() }}) as received_at,
    -source_row as read_position,
    unreadable_row
    {{- ',\n    ' ~ dwell.place_columns() if input.has_places }}
from dwell_incoming_broken_rows
{% endmacro %}


{% macro no_values(input) -%}
    {%- for column in input.columns %}
    cast(null as {{ dwell.type_text() }}) as {{ column }},
    {%- endfor %}
    {%- for column in input.times %}
    cast(null as {{ dbt.type_timestamp() }}) as {{ dwell.time_read(column) }},
    {%- endfor %}
{%- endmacro %}


{# Nothing may be committed that does not add up: each row read is in the event table, once. #}
{% macro reconcile_event_load() %}
    {%- if execute and flags.WHICH in ('run', 'build') and not flags.EMPTY -%}
        {%- set input = dwell.input('events') -%}
        {%- set differs -%}
        'dwell: ' || l.source || ': ' || {{ dwell.digits('l.rows_read') }} || ' rows were read, but '
        || {{ dwell.digits('count(e.source_number)') }} || ' arrived; nothing was changed. Please report this.'
        {%- endset -%}
        select {{ dwell.fail_with(differs) }}
        from {{ dwell.loads(input) }} as l
        left join (
            select source_number
            from {{ this }}
            -- no stored row before this load's is looked at
            where source_number >= (
                select min(source_number) from {{ dwell.loads(input) }}
                where load_number = {{ dwell.current_load(input) }}
            )
        ) as e on l.source_number = e.source_number
        where l.load_number = {{ dwell.current_load(input) }}
        group by l.source, l.source_number, l.rows_read
        having l.rows_read <> count(e.source_number)
    {%- endif -%}
{% endmacro %}
