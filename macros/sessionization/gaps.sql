{# SQL: whether a gap ends an island. Models and sessionize() compare a gap with the timeout in force by it alone. A gap
   of exactly the timeout does not end an island. #}
{% macro exceeds_timeout(gap_us, timeout_seconds) -%}
    {{ gap_us }} > {{ dwell.timeout_us(timeout_seconds) }}
{%- endmacro %}


{# SQL: whether a row starts an island: there is no row before it, or the gap exceeds the timeout. #}
{% macro starts_island(gap_us, timeout_seconds) -%}
    {{ gap_us }} is null or {{ dwell.exceeds_timeout(gap_us, timeout_seconds) }}
{%- endmacro %}


{# A timeout in microseconds, a number that Jinja knows. #}
{% macro timeout_us(timeout_seconds) -%}
    {{- return(((timeout_seconds | float) * 1000000) | round | int) -}}
{%- endmacro %}
