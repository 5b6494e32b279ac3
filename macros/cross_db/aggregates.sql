{# The median: the mean of the two middle values where there is no middle one. #}
{% macro median(column) -%}
    {{- return(adapter.dispatch('median', 'dwell')(column)) -}}
{%- endmacro %}

{% macro default__median(column) -%}
    percentile_cont(0.5) within group (order by {{ column }})
{%- endmacro %}


{# Of a group, the value where another column is greatest. #}
{% macro last_by(value, by) -%}
    {{- return(adapter.dispatch('last_by', 'dwell')(value, by)) -}}
{%- endmacro %}

{% macro default__last_by(value, by) -%}
    max_by({{ value }}, {{ by }})
{%- endmacro %}


{# Whether two values are the same; null is null. #}
{% macro is_same(one, other) -%}
    {{- return(adapter.dispatch('is_same', 'dwell')(one, other)) -}}
{%- endmacro %}

{% macro default__is_same(one, other) -%}
    {{ one }} is not distinct from {{ other }}
{%- endmacro %}
