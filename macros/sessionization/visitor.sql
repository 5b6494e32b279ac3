{% macro session_key() %}
    {%- set key = var('session_key') -%}
    {{- return([key] if key is string else key | list) -}}
{% endmacro %}


{# The visitor as grouping columns. An event with a device only is that device's anonymous visitor. #}
{% macro visitor(alias='') %}
    {%- set key = dwell.session_key() -%}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {%- set user, device = prefix ~ 'user_id', prefix ~ 'device_id' -%}
    {%- if 'user_id' in key and 'device_id' in key -%}
        {{- return([user, device]) -}}
    {%- elif 'user_id' in key -%}
        {{- return([user, 'case when ' ~ user ~ ' is null then ' ~ device ~ ' end']) -}}
    {%- else -%}
        {{- return([device, 'case when ' ~ device ~ ' is null then ' ~ user ~ ' end']) -}}
    {%- endif -%}
{% endmacro %}


{# The visitor as two columns to join on. A cleaned id is never an empty text, so that an empty text can
   represent null, and every engine can join by hash. #}
{% macro visitor_as_key(alias='') -%}
    {%- for part in dwell.visitor(alias) -%}
        coalesce({{ part }}, '') as visitor_key_{{ loop.index }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{# Whether a row is of the visitor whose key another relation has. #}
{% macro is_visitor(alias, keyed) -%}
    {%- for part in dwell.visitor(alias) -%}
        coalesce({{ part }}, '') = {{ keyed }}.visitor_key_{{ loop.index }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{# Of an id that is not in the session key: the one that the session's events agree on, else null. #}
{% macro agreed(column) -%}
    {%- if column in dwell.session_key() and dwell.session_key() | length == 2 -%}
        {{ column }}
    {%- else -%}
        case when min({{ column }}) = max({{ column }}) then min({{ column }}) end
    {%- endif -%}
{%- endmacro %}
