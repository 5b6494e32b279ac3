{# The classes of a histogram, with round bounds: the bounds in order, each where a class begins. #}

{# Seconds that a session or a stream lasts. #}
{% macro length_bounds() %}
    {{- return([0, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800]) -}}
{% endmacro %}


{# Events in a session. #}
{% macro size_bounds() %}
    {{- return([1, 2, 3, 4, 5, 6, 11, 21, 51, 101, 201, 501, 1001]) -}}
{% endmacro %}


{# SQL: the bound at which the class of a number begins. #}
{% macro class_of(number, bounds) -%}
case
    {%- for bound in bounds[1:] %}
    when {{ number }} < {{ bound }} then {{ bounds[loop.index0] }}
    {%- endfor %}
    else {{ bounds[-1] }}
end
{%- endmacro %}


{# SQL: a row per class, also where nothing is in it: class_from, and class_to, where the next begins. #}
{% macro classes(bounds) -%}
{%- for bound in bounds %}
select
    {{ bound }} as class_from,
    {{ bounds[loop.index] if not loop.last else 'cast(null as ' ~ dbt.type_int() ~ ')' }} as class_to
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}
