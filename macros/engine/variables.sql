{# A value that one statement computes and the next ones compare with. As a constant it lets DuckDB skip what
   a table has outside it; a subquery in its place would be looked at row by row. #}
{% macro remember(name, query) -%}
    {{- return(adapter.dispatch('remember', 'dwell')(name, query)) -}}
{%- endmacro %}

{% macro duckdb__remember(name, query) -%}
    set variable {{ name }} = ({{ query }})
{%- endmacro %}


{% macro remembered(name) -%}
    {{- return(adapter.dispatch('remembered', 'dwell')(name)) -}}
{%- endmacro %}

{% macro duckdb__remembered(name) -%}
    getvariable({{ dwell.text(name) }})
{%- endmacro %}
