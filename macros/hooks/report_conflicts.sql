{# Executed at the end of a run. Reports that another run was faster, which DuckLake reports as 'Transaction conflict'. #}
{% macro report_conflicts(results) %}
    {%- set refused = [] -%}
    {%- for result in results if 'Transaction conflict' in (result.message or '') -%}
        {%- do refused.append(result.node.name) -%}
    {%- endfor -%}
    {%- if refused -%}
        {%- do print(
            'dwell: another run wrote at the same time, and committed first. This run did not write ' ~ refused | join(', ')
            ~ '. Run dbt again.'
        ) -%}
    {%- endif -%}
{% endmacro %}
