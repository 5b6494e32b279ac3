{% macro microseconds(timestamp) %}
    {{- return(adapter.dispatch('microseconds', 'dwell')(timestamp)) -}}
{% endmacro %}

{% macro duckdb__microseconds(timestamp) -%}
    epoch_us({{ timestamp }})
{%- endmacro %}


{% macro local_date(timestamp) %}
    {{- return(adapter.dispatch('local_date', 'dwell')(timestamp)) -}}
{% endmacro %}

{% macro duckdb__local_date(timestamp) -%}
    {%- set zone = var('reporting_timezone') -%}
    {%- if zone == 'UTC' -%}
        cast({{ timestamp }} as date)
    {%- else -%}
        cast(timezone({{ dwell.text(zone) }}, timezone('UTC', {{ timestamp }})) as date)
    {%- endif -%}
{%- endmacro %}


{% macro start_of_minute(timestamp) %}
    {{- return(adapter.dispatch('start_of_minute', 'dwell')(timestamp)) -}}
{% endmacro %}

{% macro duckdb__start_of_minute(timestamp) -%}
    make_timestamp(epoch_us({{ timestamp }}) // 60000000 * 60000000)
{%- endmacro %}


{# Elapsed whole microseconds. Sums of them are exact, in whatever order an engine adds them up. #}
{% macro microseconds_between(earlier, later) -%}
    ({{ dwell.microseconds(later) }} - {{ dwell.microseconds(earlier) }})
{%- endmacro %}


{# Elapsed time as seconds, to the microsecond. #}
{% macro seconds_between(earlier, later) -%}
    {{ dwell.microseconds_between(earlier, later) }} / 1000000.0e0
{%- endmacro %}


{# The mean of whole microseconds as seconds. #}
{% macro mean_seconds(microseconds) -%}
    cast(sum({{ microseconds }}) as double) / count({{ microseconds }}) / 1000000.0e0
{%- endmacro %}
