{# Part of the pre-hook that counts what is read: checks a relation that this run has just built. #}
{% macro prepare_relation_built_now(input) %}
    {%- if dwell.input_mode(input) == 'relation' and dwell.is_built_by_this_run(input) -%}
        {%- do dwell.prepare_input(input, dwell.stored_table(input)) -%}
    {%- endif -%}
{% endmacro %}


{# If new rows are staged in a table, one of the two models alone would store an old batch, or none. #}
{% macro refuse_half_an_input(input) %}
    {%- if input.staged_in and execute and flags.WHICH in ('run', 'build')
        and dwell.stores(input) != ('model.dwell.' ~ input.staged_in in selected_resources) -%}
        {%- do dwell.raise_error(
            input.staged_in ~ ' and ' ~ input.stored_in ~ ' go together. Select both, as in --select '
            ~ input.staged_in ~ '+, or none.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{# stored: the table that this run adds to; none if it is built from scratch. #}
{% macro prepare_input(input, stored) %}
    {%- if dwell.input_mode(input) == 'files' -%}
        {%- do dwell.prepare_incoming_files(input, from_scratch=stored is none) -%}
    {%- elif dwell.input_mode(input) == 'relation' -%}
        {%- do dwell.check_relation(input, dwell.input_relation(input)) -%}
        {%- if dwell.reads_by_load_time(input) -%}
            {%- do dwell.refuse_missing_load_times(input) -%}
            {%- if stored is not none -%}
                {%- do dwell.refuse_changes_before_window(input, stored) -%}
                {%- if not input.keeps_rows -%}{%- do dwell.refuse_changed_load_times(input) -%}{%- endif -%}
            {%- endif -%}
            {%- do dwell.report_unsettled_rows(input) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{# prepare_inputs is a hook, and dbt-core 1.12 runs none with --use-v2-parser (its issue 16310): the run would store what
   an earlier one has found. #}
{% macro refuse_without_hooks() %}
    {%- if 'have_run' not in dwell.run_cache('hooks') -%}
        {%- do dwell.raise_error(
            'its hooks of on-run-start did not run, which find what is new in the input. Run dbt without --use-v2-parser.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{# SQL: every row of the input that is not stored; all of them if the table is built from scratch. #}
{% macro read_new_rows(input) %}
    {%- if dwell.input_mode(input) == 'relation' -%}
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


{# Whether this run writes the table that stores an input, from what is new or from scratch. #}
{% macro stores(input) %}
    {{- return(
        execute and flags.WHICH in ('run', 'build')
        and 'model.dwell.' ~ input.stored_in in selected_resources
    ) -}}
{% endmacro %}

{% macro stores_from_scratch(input) %}
    {{- return(dwell.stores(input) and flags.FULL_REFRESH) -}}
{% endmacro %}


{# The table that stores an input, if this run adds to it; none if the run builds it from scratch, as after dbt clone has put
   a view there. #}
{% macro stored_table(input) %}
    {%- if flags.FULL_REFRESH -%}{{- return(none) -}}{%- endif -%}
    {%- set node = graph.nodes['model.dwell.' ~ input.stored_in] -%}
    {%- set stored = adapter.get_relation(node.database, node.schema, node.alias) -%}
    {{- return(none if stored is not none and stored.is_view else stored) -}}
{% endmacro %}


{# Whether a run adds what is new to an existing table, instead of storing everything from scratch. #}
{% macro adds_to(input) %}
    {{- return(not dwell.is_read_entirely(input) and not dwell.full_refresh_died(input)) -}}
{% endmacro %}


{# Whether a run stores an input from scratch. #}
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
    {{- ',\n    ' ~ dwell.offset_columns() if input.has_offsets }}
where false
{% endmacro %}


{# The rows that DuckDB skipped because they are broken. read_position is negative: these rows are numbered separately. #}
{% macro read_broken_rows(input) %}
select
    {{ dwell.no_values(input) }}
    source_number,
    cast(null as {{ dbt.type_timestamp() }}) as received_at,
    -source_row as read_position,
    unreadable_row
    {{- ',\n    ' ~ dwell.offset_columns() if input.has_offsets }}
from dwell_incoming_broken_rows
{% endmacro %}


{% macro no_values(input) -%}
    {%- for column in input.columns %}
    cast(null as {{ dwell.type_text() }}) as {{ column }},
    {%- endfor %}
    {%- for column in input.times %}
    cast(null as {{ dbt.type_timestamp() }}) as {{ dwell.parsed_time_column(column) }},
    {%- endfor %}
{%- endmacro %}


{# SQL, a statement: fails if a relation lacks rows that this load has counted, or has more. #}
{% macro check_rows_arrived(input, relation, then='Nothing was changed; run dbt again') -%}
    {%- set differs -%}
    'dwell: ' || source || ': ' || {{ dwell.digits('rows_read') }} || ' new rows were counted, but ' || {{ dwell.digits('rows_arrived') }}
    || {{ dwell.text(' arrived. ' ~ then ~ '. ' ~ (
        'If it fails again, rows of the last day were changed or removed after a run had read them: give changed rows a new load time, or load everything again with --full-refresh.'
        if dwell.reads_by_load_time(input) else 'Was the input changed while it was read? If not, please report this.'
    )) }}
    {%- endset -%}
select {{ dwell.fail_with(differs) }}
from (
    {{ dwell.unreconciled_loads(input, relation) | indent(4) }}
) as differing
{%- endmacro %}


{# SQL: what was counted of this load, and what of it is in a relation, where the two differ. #}
{% macro unreconciled_loads(input, relation) -%}
select
    l.source,
    l.rows_read,
    count(e.source_number) as rows_arrived
from {{ dwell.own_table(input.incoming) }} as l
left join (
    select source_number
    from {{ relation }}
    where {{ dwell.is_of_this_load(input) }}
) as e on l.source_number = e.source_number
group by l.source, l.source_number, l.rows_read
having l.rows_read <> count(e.source_number)
{%- endmacro %}
