{# Times are UTC: timestamps without a zone, or, where an engine has none, instants. #}

{# Whether the type TIMESTAMP is an instant, which has a zone. #}
{% macro timestamp_is_instant() %}
    {{- return(adapter.dispatch('timestamp_is_instant', 'dwell')()) -}}
{% endmacro %}

{% macro default__timestamp_is_instant() %}
    {{- return(false) -}}
{% endmacro %}


{# Microseconds since 1970, as an integer. #}
{% macro microseconds(timestamp) %}
    {{- return(adapter.dispatch('microseconds', 'dwell')(timestamp)) -}}
{% endmacro %}

{% macro duckdb__microseconds(timestamp) -%}
    epoch_us({{ timestamp }})
{%- endmacro %}


{# The way back. #}
{% macro time_of_microseconds(microseconds) %}
    {{- return(adapter.dispatch('time_of_microseconds', 'dwell')(microseconds)) -}}
{% endmacro %}

{% macro duckdb__time_of_microseconds(microseconds) -%}
    make_timestamp({{ microseconds }})
{%- endmacro %}


{# A moment, in microseconds that Jinja knows, as a literal. #}
{% macro moment(microseconds) -%}
    {{- return(adapter.dispatch('moment', 'dwell')(dwell.time_as_text(microseconds))) -}}
{%- endmacro %}

{% macro default__moment(text) -%}
    timestamp '{{ text }}'
{%- endmacro %}


{# The start of a day of UTC, written as in 2026-01-10, as a literal. #}
{% macro utc_midnight(date) -%}
    {{- return(adapter.dispatch('moment', 'dwell')(date ~ ' 00:00:00')) -}}
{%- endmacro %}


{# A moment as text: 2026-01-10 06:00:00.000000 (UTC). #}
{% macro time_as_text(microseconds) -%}
    {%- set moment = modules.datetime.datetime(1970, 1, 1) + modules.datetime.timedelta(microseconds=microseconds | int) -%}
    {{- return(moment.isoformat(' ', 'microseconds')) -}}
{%- endmacro %}


{# SQL: whether microseconds are of the years 1 to 9999; of others, engines have no time, and some an error. #}
{% macro is_of_a_year(microseconds) -%}
    {{ microseconds }} between -62135596800000000 and 253402300799999999
{%- endmacro %}


{# A time and so many microseconds, a number that Jinja knows; it may be negative. #}
{% macro later_by(timestamp, microseconds) %}
    {{- return(adapter.dispatch('later_by', 'dwell')(timestamp, microseconds | int)) -}}
{% endmacro %}

{% macro default__later_by(timestamp, microseconds) -%}
    {{ timestamp }} {{ '-' if microseconds < 0 else '+' }} interval '{{ microseconds | abs }} microseconds'
{%- endmacro %}


{# The day of a time: in a zone, or in that of the reports. #}
{% macro local_date(timestamp, zone=none) %}
    {{- return(adapter.dispatch('local_date', 'dwell')(timestamp, zone or var('reporting_timezone'))) -}}
{% endmacro %}

{% macro default__local_date(timestamp, zone) -%}
    {%- if zone == 'UTC' -%}
        cast({{ timestamp }} as date)
    {%- else -%}
        cast(timezone({{ dwell.text(zone) }}, timezone('UTC', {{ timestamp }})) as date)
    {%- endif -%}
{%- endmacro %}


{# A time that represents all times near it for which local_date gives the same day. Events are counted by it first, so that
   one conversion to a time zone serves many events. Offsets and their changes are whole minutes. #}
{% macro same_day_time(timestamp) -%}
    {{- return(adapter.dispatch('same_day_time', 'dwell')(timestamp)) -}}
{%- endmacro %}

{% macro default__same_day_time(timestamp) -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        cast({{ timestamp }} as date)
    {%- else -%}
        {{ dwell.start_of_minute(timestamp) }}
    {%- endif -%}
{%- endmacro %}


{% macro start_of_minute(timestamp) %}
    {{- return(adapter.dispatch('start_of_minute', 'dwell')(timestamp)) -}}
{% endmacro %}

{% macro default__start_of_minute(timestamp) -%}
    {{ dbt.date_trunc('minute', timestamp) }}
{%- endmacro %}

{# many times as fast #}
{% macro duckdb__start_of_minute(timestamp) -%}
    make_timestamp(epoch_us({{ timestamp }}) // 60000000 * 60000000)
{%- endmacro %}


{# How many days one date is after another. #}
{% macro days_from(earlier, later) %}
    {{- return(adapter.dispatch('days_from', 'dwell')(earlier, later)) -}}
{% endmacro %}

{% macro default__days_from(earlier, later) -%}
    ({{ later }} - {{ earlier }})
{%- endmacro %}


{# The first instant (UTC) of a local day. #}
{% macro start_of_local_day(date) %}
    {{- return(adapter.dispatch('start_of_local_day', 'dwell')(date, var('reporting_timezone'))) -}}
{% endmacro %}

{% macro default__start_of_local_day(date, zone) -%}
    timezone('UTC', timezone({{ dwell.text(zone) }}, cast({{ date }} as timestamp)))
{%- endmacro %}

{% macro duckdb__start_of_local_day(date, zone) -%}
    make_timestamp(epoch_us(timezone({{ dwell.text(zone) }}, cast({{ date }} as timestamp))))
{%- endmacro %}


{# A relation for a cross join: the whole numbers from 1 to a count, as n; no row if the count is null. An engine may return
   more numbers, so the caller compares n with the count again. #}
{% macro numbers_to(count) %}
    {{- return(adapter.dispatch('numbers_to', 'dwell')(count)) -}}
{% endmacro %}

{% macro duckdb__numbers_to(count) -%}
    lateral (select unnest(generate_series(1, {{ count }})) as n)
{%- endmacro %}


{# SQL: the time zone of the connection; none where no statement of dwell depends on it. #}
{% macro connection_zone() -%}
    {{- return(adapter.dispatch('connection_zone', 'dwell')()) -}}
{%- endmacro %}

{% macro default__connection_zone() -%}
    {{- return(none) -}}
{%- endmacro %}


{# SQL: a row if there is a time zone of that name. #}
{% macro zones_named(name) -%}
    {{- return(adapter.dispatch('zones_named', 'dwell')(name)) -}}
{%- endmacro %}

{% macro default__zones_named(name) -%}
    select 1 from pg_timezone_names() where name = {{ dwell.text(name) }}
{%- endmacro %}


{# Elapsed microseconds, as an integer. Sums are exact, in any order of addition. #}
{% macro microseconds_between(earlier, later) -%}
    ({{ dwell.microseconds(later) }} - {{ dwell.microseconds(earlier) }})
{%- endmacro %}


{# Microseconds as seconds. #}
{% macro as_seconds(microseconds) -%}
    {{ dwell.double(microseconds) }} / 1000000
{%- endmacro %}


{# Elapsed time as seconds, to the microsecond. #}
{% macro seconds_between(earlier, later) -%}
    {{ dwell.as_seconds(dwell.microseconds_between(earlier, later)) }}
{%- endmacro %}


{# The mean of integer microseconds, in seconds. #}
{% macro mean_seconds(microseconds) -%}
    {{ dwell.double('sum(' ~ microseconds ~ ')') }} / nullif(count({{ microseconds }}), 0) / 1000000
{%- endmacro %}
