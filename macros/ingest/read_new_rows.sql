{# Executed at the start of a run. Checks the inputs, so that errors in them are reported at once. The sample is checked when
   it is read, because dbt loads it during the run; and so is a relation that the run builds. #}
{% macro prepare_inputs() %}
    {%- do dwell.run_cache('hooks').update({'have_run': true}) -%}
    {%- set names = dwell.inputs_in_use() if dwell.is_selected() else [] -%}
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
        {%- do dwell.raise_error(
            'no setting names its input. Under vars: dwell: in dbt_project.yml, set ' ~ wanting | join('_relation or ')
            ~ "_relation, as in ref('my_" ~ wanting[0] ~ "'); or disable its models, as in models: dwell: +enabled: false."
        ) -%}
    {%- endif -%}
{% endmacro %}


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


{# Post-hook of the event table: each row read is in it, once, or nothing is committed. Where statements are no
   transaction, the incremental strategy has checked that before it wrote; a table that was built from scratch is
   checked here, and its load forgotten if it is wrong, so that the next run reads everything again. #}
{% macro reconcile_event_load() %}
    {%- if execute and flags.WHICH in ('run', 'build') and not flags.EMPTY -%}
        {%- set input = dwell.input('events') -%}
        {%- if dwell.has_transactions() -%}
{{ dwell.check_rows_arrived(input, this) }};
{{ dwell.check_rejected_ratio(input, this) }}
        {%- else -%}
{{ dwell.check_lease(input, 'If this run was a full refresh, its table is there and the next run reads everything again') }}
delete from {{ dwell.loads(input) }}
where load_number = {{ dwell.run_cache('load_numbers')['events'] }}
    and (
        exists (
            {{ dwell.unreconciled_loads(input, this) | indent(12) }}
        )
        or exists (
            {{ dwell.most_frequent_reject(input, this) | indent(12) }}
        )
    );
{{ dwell.check_rows_arrived(input, this, 'The next run reads everything again') }};
{{ dwell.check_rejected_ratio(input, this, 'The next run reads everything again') }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


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
