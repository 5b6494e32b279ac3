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
        {{ dwell.start_of_minute(timestamp) }}
    {%- endif -%}
{%- endmacro %}


{% macro start_of_minute(timestamp) %}
    {{- return(adapter.dispatch('start_of_minute', 'dwell')(timestamp)) -}}
{% endmacro %}

{% macro duckdb__start_of_minute(timestamp) -%}
    make_timestamp(epoch_us({{ timestamp }}) // 60000000 * 60000000)
{%- endmacro %}


{# The first instant (UTC) of a local day. #}
{% macro start_of_local_day(date) %}
    {{- return(adapter.dispatch('start_of_local_day', 'dwell')(date)) -}}
{% endmacro %}

{% macro duckdb__start_of_local_day(date) -%}
    {%- set zone = var('reporting_timezone') -%}
    make_timestamp(epoch_us(timezone({{ dwell.text(zone) }}, cast({{ date }} as timestamp))))
{%- endmacro %}


{# To cross join with: a row for each day from one to another, both included. #}
{% macro days_between(first, last) %}
    {{- return(adapter.dispatch('days_between', 'dwell')(first, last)) -}}
{% endmacro %}

{% macro duckdb__days_between(first, last) -%}
    lateral (
        select cast(unnest(generate_series({{ first }}, {{ last }}, interval '1 day')) as date) as watch_date
    )
{%- endmacro %}


{# To cross join with: a row for each whole minute between two, neither included. #}
{% macro minutes_between(earlier, later) %}
    {{- return(adapter.dispatch('minutes_between', 'dwell')(earlier, later)) -}}
{% endmacro %}

{% macro duckdb__minutes_between(earlier, later) -%}
    lateral (
        select
            unnest(generate_series(
                {{ earlier }} + interval '1 minute', {{ later }} - interval '1 minute', interval '1 minute'
            )) as minute_at
    )
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
