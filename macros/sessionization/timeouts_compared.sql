{# Minutes, in ascending order: those of timeout_sensitivity, the timeout in force, and more. #}
{% macro timeouts_compared(more=[]) %}
    {%- set minutes = [5, 10, 15, 20, 30, 45, 60, 120, var('session_timeout_minutes')] + more -%}
    {{- return(minutes | map('float') | unique | sort) -}}
{% endmacro %}
