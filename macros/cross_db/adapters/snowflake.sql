{# Where Snowflake differs. #}

{# a backslash escapes in a literal #}
{% macro snowflake__text(value) -%}
    '{{ value | replace("\\", "\\\\") | replace("'", "''") }}'
{%- endmacro %}

{# a name that the settings give in small letters is stored in capitals, unless it was quoted #}
{% macro snowflake__column_named(name) -%}
    {{- return(name if modules.re.match('^[a-z_][a-z0-9_$]*$', name) else dwell.quoted(name)) -}}
{%- endmacro %}


{# its LOG takes a base #}
{% macro snowflake__log10(x) -%}
    log(10, {{ x }})
{%- endmacro %}


{# load times may have nanoseconds, which no literal of dwell's has #}
{% macro snowflake__as_load_time(column, kind) -%}
    cast({{ "convert_timezone('UTC', " ~ column ~ ')' if kind == 'timestamp_with_zone' else column }} as timestamp_ntz(6))
{%- endmacro %}

{% macro snowflake__microseconds(timestamp) -%}
    date_part(epoch_microsecond, {{ timestamp }})
{%- endmacro %}

{% macro snowflake__time_of_microseconds(microseconds) -%}
    to_timestamp_ntz({{ microseconds }}, 6)
{%- endmacro %}

{% macro snowflake__later_by(timestamp, microseconds) -%}
    dateadd(microsecond, {{ microseconds }}, {{ timestamp }})
{%- endmacro %}

{% macro snowflake__local_date(timestamp, zone) -%}
    cast({{ timestamp if zone == 'UTC' else "convert_timezone('UTC', " ~ dwell.text(zone) ~ ', ' ~ timestamp ~ ')' }} as date)
{%- endmacro %}

{% macro snowflake__days_from(earlier, later) -%}
    datediff(day, {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro snowflake__start_of_local_day(date, zone) -%}
    convert_timezone({{ dwell.text(zone) }}, 'UTC', cast({{ date }} as timestamp_ntz))
{%- endmacro %}

{% macro snowflake__numbers_to(count) -%}
    lateral (
        select cast(number.value as integer) as n
        from lateral flatten(input => array_generate_range(1, {{ count }} + 1)) as number
    )
{%- endmacro %}

{# the first use of a zone that there is not is refused by Snowflake itself #}
{% macro snowflake__zones_named(name) -%}
    select 1
{%- endmacro %}


{% macro snowflake__json_of(columns) -%}
    to_json(object_construct_keep_null({{ dwell.keys_and_values(columns) }}))
{%- endmacro %}

{% macro snowflake__json_text(json, key) -%}
    json_extract_path_text({{ json }}, {{ dwell.text('"' ~ key ~ '"') }})
{%- endmacro %}


{# DML and hooks are committed one by one #}
{% macro snowflake__has_transactions() -%}
    {{- return(false) -}}
{%- endmacro %}

{% macro snowflake__begin_transaction(lease) -%}
    begin transaction;
update {{ lease }} set run_id = run_id where run_id = {{ dwell.text(invocation_id) }};
{%- endmacro %}

{% macro snowflake__commit_transaction() -%}
;
commit
{%- endmacro %}

{% macro snowflake__replace_islands(target, recomputed, columns, meta) -%}
    {{- return(dwell.merge_affected_islands(target, recomputed, columns, meta)) -}}
{%- endmacro %}


{% macro snowflake__parse_time(column, kind) -%}
    {%- set zone = dwell.text(var('source_timezone')) -%}
    {%- set units = dwell.microseconds_of_units() -%}
    {%- if kind in units -%}
        {%- set us = 'round(try_to_decimal(cast(' ~ column ~ ' as varchar), 25, 6) * ' ~ units[kind] ~ ')' %}
        case when {{ dwell.is_of_a_year(us) }} then {{ dwell.time_of_microseconds('cast(' ~ us ~ ' as bigint)') }} end
    {%- elif kind == 'iso' -%}
        {%- set time_text = 'trim(cast(' ~ column ~ ' as varchar))' -%}
        coalesce({{ dwell.snowflake__iso_time(time_text, zone) }}, {{ dwell.snowflake__iso_time(dwell.rewritten_time(time_text), zone) }})
    {%- elif kind == 'timestamp_with_zone' -%}
        cast(convert_timezone('UTC', {{ column }}) as timestamp_ntz)
    {%- else -%}
        convert_timezone({{ zone }}, 'UTC', cast({{ column }} as timestamp_ntz))
    {%- endif -%}
{%- endmacro %}

{# What ends in a letter names a time zone, of which there are many that are called alike. A time of more than microseconds
   would not be cut off. #}
{% macro snowflake__iso_time(time_text, zone) -%}
    case
        when regexp_like({{ time_text }}, '.*[.][0-9]{7}.*') then null
        when regexp_like({{ time_text }}, '.*(Z|z|:[0-9.]+[+-][0-9]{2}(:?[0-9]{2})?)')
            then cast(convert_timezone('UTC', try_cast({{ time_text }} as timestamp_tz)) as timestamp_ntz)
        when not regexp_like({{ time_text }}, '.*([A-Za-z]|:[0-9.]+ *[+-][0-9:]+)')
            then convert_timezone({{ zone }}, 'UTC', cast(try_cast({{ time_text }} as timestamp_tz) as timestamp_ntz))
    end
{%- endmacro %}
