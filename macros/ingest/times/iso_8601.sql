{# The ways to write ISO 8601 that engines do not read: they are rewritten to the one that all read. #}

{# SQL: a time as text, rewritten to 2024-07-01T12:00:00.123456, with Z or an offset after it if it has one. Text that
   is not a time does not become one. This is slow, so it is for times that an engine cannot read directly. #}
{% macro rewritten_time(time_text) -%}
    {%- set ns = namespace(sql=time_text) -%}
    {%- for pattern, replacement in [
        ['^([0-9]{4})-?([0-9]{2})-?([0-9]{2})[Tt ]+', '\\1-\\2-\\3T'],
        ['T([0-9]{2})([0-9]{2})', 'T\\1:\\2'],
        ['(T[0-9]{2}:[0-9]{2}):?([0-9]{2})', '\\1:\\2'],
        ['^(.{16})( .*|[Zz+-].*)?$', '\\1:00\\2'],
        [',([0-9])', '.\\1'],
        ['([.][0-9]{6})[0-9]+', '\\1'],
        ['([0-9]) +([+-])', '\\1\\2'],
        ['([Zz]|[+-][0-9:]+)\\[[A-Za-z0-9_/+-]+\\]$', '\\1'],
        [' *(Z|z|UTC|GMT)$', 'Z'],
        ['([+-][0-9]{2}:?[0-9]{2}):00$', '\\1'],
        ['([+-][0-9]{2})([0-9]{2})$', '\\1:\\2'],
        ['(:[0-9.]+[+-][0-9]{2})$', '\\1:00'],
    ] -%}
        {%- set ns.sql = dwell.regex_replace(ns.sql, pattern, replacement) -%}
    {%- endfor -%}
    {{- return(ns.sql) -}}
{%- endmacro %}
