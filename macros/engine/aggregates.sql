{# The median: the mean of the two middle values where there is no middle one. #}
{% macro median(column) -%}
    {{- return(adapter.dispatch('median', 'dwell')(column)) -}}
{%- endmacro %}

{% macro default__median(column) -%}
    percentile_cont(0.5) within group (order by {{ column }})
{%- endmacro %}
