{# Text of any length. #}
{% macro type_text() -%}
    {{- return(adapter.dispatch('type_text', 'dwell')()) -}}
{%- endmacro %}

{% macro default__type_text() -%}
    {{ dbt.type_string() }}
{%- endmacro %}


{# Types whose names differ and that dbt has no macro for. A REAL would not do: it has seven digits. #}
{% macro type_double() -%}
    {{- return(adapter.dispatch('type_double', 'dwell')()) -}}
{%- endmacro %}

{% macro default__type_double() -%}
    double precision
{%- endmacro %}
