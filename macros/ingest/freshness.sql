{# SQL for dbt source freshness: the newest time in a column of a table in which dwell records what was read.
   What is disabled cannot be late, and what has never been loaded is as old as can be. #}
{% macro newest_load(input_name, table, column) %}
    {%- if input_name not in dwell.inputs_in_use() -%}
        select {{ dbt.current_timestamp() }}
    {%- elif load_relation(dwell.own_table(table)) is none -%}
        select {{ dwell.moment(0) }}
    {%- else -%}
        select max({{ column }}) from {{ dwell.own_table(table) }}
    {%- endif -%}
{% endmacro %}
