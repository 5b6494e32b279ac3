{# A hash of visitor and start. Each id is written with its length, so that no two visitors share a text. #}
{% macro session_id(started_at, alias='', entity=none) -%}
    {%- set parts = [] -%}
    {%- for part in entity or dwell.visitor(alias) -%}
        {%- do parts.append("coalesce(" ~ dwell.digits('length(' ~ part ~ ')') ~ " || ':' || " ~ part ~ ", '-')") -%}
    {%- endfor -%}
    {%- do parts.append(dwell.digits(dwell.microseconds(started_at))) -%}
    {{ dbt.hash(parts | join(" || '|' || ")) }}
{%- endmacro %}
