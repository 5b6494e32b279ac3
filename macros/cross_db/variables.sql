{# A time that one statement computes and later statements compare with. Because it is a constant, DuckDB skips the row groups
   outside it; a subquery would be evaluated row by row. It only saves work: other engines do not use it, and nor does a
   statement whose connection does not have it. #}
{% macro remember(name, query) -%}
    {{- return(adapter.dispatch('remember', 'dwell')(name, query)) -}}
{%- endmacro %}

{% macro default__remember(name, query) -%}
{%- endmacro %}

{% macro duckdb__remember(name, query) -%}
    set variable {{ name }} = coalesce(({{ query }}), timestamp 'infinity');
{%- endmacro %}


{# SQL: whether a column is not below what was remembered; true where nothing was. #}
{% macro is_since(column, name) -%}
    {{- return(adapter.dispatch('is_since', 'dwell')(column, name)) -}}
{%- endmacro %}

{% macro default__is_since(column, name) -%}
    true
{%- endmacro %}

{% macro duckdb__is_since(column, name) -%}
    (getvariable({{ dwell.text(name) }}) is null or {{ column }} >= getvariable({{ dwell.text(name) }}))
{%- endmacro %}
