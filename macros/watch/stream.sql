{# A hash of stream and first heartbeat. Each part is written with its length, so that no two look alike. #}
{% macro stream_id() -%}
    {%- set parts = [] -%}
    {%- for column in ['session_id', 'user_id', 'device', 'program_id'] -%}
        {%- do parts.append("cast(length(" ~ column ~ ") as varchar) || ':' || " ~ column) -%}
    {%- endfor -%}
    {%- for column in ['start_time', 'first_heartbeat_at'] -%}
        {%- do parts.append('cast(' ~ dwell.microseconds(column) ~ ' as varchar)') -%}
    {%- endfor -%}
    {{ dbt.hash(parts | join(" || '|' || ")) }}
{%- endmacro %}


{# When a stream ends if nothing more is heard of it. #}
{% macro silent_until(last_heartbeat_at) -%}
    {{ last_heartbeat_at }} + interval '{{ (var('watch_timeout_seconds') * 1000000) | round | int }} microseconds'
{%- endmacro %}
