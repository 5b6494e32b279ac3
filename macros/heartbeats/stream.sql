{# A hash of stream and first heartbeat. Each part is written with its length, so that no two streams share a text. #}
{% macro stream_id() -%}
    {%- set parts = [] -%}
    {%- for column in ['session_id', 'user_id', 'device', 'program_id'] -%}
        {%- do parts.append("" ~ dwell.digits('length(' ~ column ~ ')') ~ " || ':' || " ~ column) -%}
    {%- endfor -%}
    {%- for column in ['start_time', 'first_heartbeat_at'] -%}
        {%- do parts.append(dwell.digits(dwell.microseconds(column))) -%}
    {%- endfor -%}
    {{ dbt.hash(parts | join(" || '|' || ")) }}
{%- endmacro %}


{% macro watch_timeout_us() -%}
    {{- return(dwell.timeout_us(var('watch_timeout_seconds'))) -}}
{%- endmacro %}
