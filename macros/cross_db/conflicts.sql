{# At the end of a run: says in words that another run was faster. DuckLake says it in its own: 'Transaction conflict'. #}
{% macro report_conflicts(results) %}
    {%- set refused = [] -%}
    {%- for result in results if 'Transaction conflict' in (result.message or '') -%}
        {%- do refused.append(result.node.name) -%}
    {%- endfor -%}
    {%- if refused -%}
        {%- do print(
            'dwell: another run wrote at the same time, and was first. What this one had for ' ~ refused | join(', ')
            ~ ' was not written. Run dbt again.'
        ) -%}
    {%- endif -%}
{% endmacro %}
