{# Statements and tables of dwell's own, in addition to its models. #}

{# Whether there is a connection to query; `dbt compile --no-introspect` has none. #}
{% macro can_query() %}
    {{- return(execute and flags.INTROSPECT is not false) -}}
{% endmacro %}


{# Whether the engine reads files by their path. #}
{% macro reads_files() %}
    {{- return(adapter.dispatch('reads_files', 'dwell')()) -}}
{% endmacro %}

{% macro default__reads_files() %}
    {{- return(false) -}}
{% endmacro %}

{% macro duckdb__reads_files() %}
    {{- return(true) -}}
{% endmacro %}


{# The end of a subquery whose expressions are not to be computed again wherever they are used. #}
{% macro computed_once() -%}
    {{- return(adapter.dispatch('computed_once', 'dwell')()) -}}
{%- endmacro %}

{% macro default__computed_once() -%}
{%- endmacro %}


{# Several statements, as a hook has them. #}
{% macro statements(text) -%}
    {{- return(adapter.dispatch('statements', 'dwell')(text)) -}}
{%- endmacro %}

{% macro default__statements(text) -%}
    {{- return(text) -}}
{%- endmacro %}


{# The same, at once. #}
{% macro run_statements(text) -%}
    {%- set last = dwell.statements(text) -%}
    {%- if last | trim -%}{%- do run_query(last) -%}{%- endif -%}
{%- endmacro %}


{# A table of dwell's own. columns: {name: kind}, kind being string, int, bigint, timestamp or boolean. #}
{% macro create_table(relation, columns, or_replace=false) -%}
    {{- return(adapter.dispatch('create_table', 'dwell')(relation, columns, or_replace)) -}}
{%- endmacro %}

{% macro default__create_table(relation, columns, or_replace) -%}
    create {{ 'or replace table' if or_replace else 'table if not exists' }} {{ relation }} (
        {{- dwell.columns_with_types(columns) -}}
    )
{%- endmacro %}

{% macro columns_with_types(columns) -%}
    {%- set types = {
        'string': dwell.type_text(),
        'int': dbt.type_int(),
        'bigint': dbt.type_bigint(),
        'timestamp': dbt.type_timestamp(),
        'boolean': dbt.type_boolean(),
    } -%}
    {%- for name, kind in columns.items() %}
        {{ name }} {{ types[kind] }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{# A table for the statements of one run: its name, and the statement that makes it of a query. #}
{% macro scratch(name) -%}
    {{- return(adapter.dispatch('scratch', 'dwell')(name)) -}}
{%- endmacro %}

{% macro default__scratch(name) -%}
    {{- return(name) -}}
{%- endmacro %}


{% macro create_scratch(name, query) -%}
    {{- return(adapter.dispatch('create_scratch', 'dwell')(name, query)) -}}
{%- endmacro %}

{% macro default__create_scratch(name, query) -%}
    create or replace temporary table {{ name }} as {{ query }}
{%- endmacro %}


{# Whether the statements of a model and of its hooks are one transaction. If they are not, a run that died may have
   recorded a load that was never stored; see lease.sql. #}
{% macro has_transactions() %}
    {{- return(adapter.dispatch('has_transactions', 'dwell')()) -}}
{% endmacro %}

{% macro default__has_transactions() %}
    {{- return(true) -}}
{% endmacro %}


{# What makes dbt send no BEGIN and no COMMIT, so that has_transactions is not true any more; none if nothing does. #}
{% macro without_transactions_by() %}
    {{- return(adapter.dispatch('without_transactions_by', 'dwell')()) -}}
{% endmacro %}

{% macro default__without_transactions_by() %}
    {{- return(none) -}}
{% endmacro %}


{# Around the statements that write, where dbt has no transaction and the engine has: two transactions that write the
   lease do not overlap, and one whose client is gone does not commit. Elsewhere nothing. #}
{% macro begin_transaction(lease) -%}
    {{- return(adapter.dispatch('begin_transaction', 'dwell')(lease)) -}}
{%- endmacro %}

{% macro default__begin_transaction(lease) -%}
{%- endmacro %}

{% macro commit_transaction() -%}
    {{- return(adapter.dispatch('commit_transaction', 'dwell')()) -}}
{%- endmacro %}

{% macro default__commit_transaction() -%}
{%- endmacro %}


{# An expression that fails with a text. #}
{% macro fail_with(text) -%}
    {{- return(adapter.dispatch('fail_with', 'dwell')(text)) -}}
{%- endmacro %}

{# for engines without a function that raises an error: the error quotes the text, which is not a number #}
{% macro default__fail_with(text) -%}
    cast({{ text }} as {{ dbt.type_int() }})
{%- endmacro %}

{# the text may quote a file's name: characters that a terminal interprets or hides are replaced #}
{% macro duckdb__fail_with(text) -%}
    error(regexp_replace({{ text }}, '[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]', '?', 'g'))
{%- endmacro %}


{# The position of a row in the sample, if an engine keeps rows in the order in which they were written. #}
{% macro position_in_sample() -%}
    {{- return(adapter.dispatch('position_in_sample', 'dwell')()) -}}
{%- endmacro %}

{% macro default__position_in_sample() -%}
    cast(null as {{ dbt.type_bigint() }})
{%- endmacro %}

{% macro duckdb__position_in_sample() -%}
    row_number() over ()
{%- endmacro %}


{# The schema of these tables: that of the models, unless each model has another. #}
{% macro create_own_schema() -%}
    {{- return(adapter.dispatch('create_own_schema', 'dwell')()) -}}
{%- endmacro %}

{# dbt has created it, if a model of this run is in it #}
{% macro default__create_own_schema() -%}
    {%- set own = dwell.own_table('any').without_identifier() -%}
    {%- set made = [] -%}
    {%- for node in graph.nodes.values() if node.unique_id in selected_resources -%}{%- do made.append(node.schema | lower) -%}{%- endfor -%}
    {%- if own.schema | lower not in made -%}{%- do adapter.create_schema(own) -%}{%- endif -%}
{%- endmacro %}

{% macro duckdb__create_own_schema() -%}
    create schema if not exists {{ dwell.own_table('any').without_identifier() }};
{%- endmacro %}


{# Lets one run at a time go on from here to the end of its transaction, where the engine can. #}
{% macro wait_for_other_runs(relation) -%}
    {{- return(adapter.dispatch('wait_for_other_runs', 'dwell')(relation)) -}}
{%- endmacro %}

{% macro default__wait_for_other_runs(relation) -%}
{%- endmacro %}

{# On DuckLake, transactions that only add rows do not conflict. So each updates one row, and of two that overlap, the
   second to commit is refused. #}
{% macro duckdb__wait_for_other_runs(relation) -%}
    {%- if adapter.is_ducklake(relation) -%}
    update {{ relation }} set load_number = load_number
    where load_number = (select max(load_number) from {{ relation }});
    {%- endif -%}
{%- endmacro %}
