{# The shop's own macro, of a name that dwell has too. #}
{% macro text(value) -%}
    {{ value | upper }}
{%- endmacro %}
