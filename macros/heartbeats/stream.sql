{# A hash of stream and first heartbeat. Each part is written with its length, so that no two look alike. #}
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
    {{- return((var('watch_timeout_seconds') * 1000000) | round | int) -}}
{%- endmacro %}


{# When a stream ends if nothing more is heard of it. #}
{% macro silent_until(last_heartbeat_at) -%}
    {{ dwell.later_by(last_heartbeat_at, dwell.watch_timeout_us()) }}
{%- endmacro %}
