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


{# A time that stands for all times near it, of which local_date gives the same day: what is counted by it
   first asks a time zone once for many events. Offsets and their changes are whole minutes. #}
{% macro same_day_time(timestamp) %}
    {{- return(adapter.dispatch('same_day_time', 'dwell')(timestamp)) -}}
{% endmacro %}

{% macro duckdb__same_day_time(timestamp) -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        cast({{ timestamp }} as date)
    {%- else -%}
        make_timestamp(epoch_us({{ timestamp }}) // 60000000 * 60000000)
    {%- endif -%}
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
