{# The SQL that turns a time of one kind into a UTC timestamp, null where it is none.
   kind: iso, an epoch_ unit, or timestamp, timestamp_with_zone, date for typed columns. #}
{% macro parse_time(column, kind) -%}
    {{- return(adapter.dispatch('parse_time', 'dwell')(column, kind)) -}}
{%- endmacro %}

{% macro duckdb__parse_time(column, kind) -%}
    {%- set zone = dwell.text(var('source_timezone')) -%}
    {%- set units = {'epoch_seconds': 1000000, 'epoch_milliseconds': 1000, 'epoch_microseconds': 1} -%}
    {%- set in_zone = 'timezone(' ~ zone ~ ', %s)' if var('source_timezone') != 'UTC' else '%s' -%}
    {%- if kind in units -%}
        make_timestamp(try_cast(try_cast({{ column }} as decimal(24, 6)) * {{ units[kind] }} as bigint))
    {%- elif kind == 'iso' and var('source_timezone') == 'UTC' -%}
        {%- set column = 'cast(' ~ column ~ ' as varchar)' -%}
        {#- the connection's time zone is UTC, and epoch_us of an infinite time is null -#}
        make_timestamp(epoch_us(try_cast({{ column }} as timestamptz)))
    {%- elif kind == 'iso' -%}
        {%- set column = 'cast(' ~ column ~ ' as varchar)' -%}
        make_timestamp(epoch_us(
            case
                when regexp_matches({{ column }}, '([zZ]|[+-][0-9]{2}(:?[0-9]{2})?|[ ][A-Za-z/_]+)\s*$')
                    and regexp_matches({{ column }}, ':[0-9]{2}')
                    then try_cast({{ column }} as timestamptz)
                else timezone({{ zone }}, try_cast({{ column }} as timestamp))
            end
        ))
    {%- elif kind == 'timestamp_with_zone' -%}
        make_timestamp(epoch_us({{ column }}))
    {%- else -%}
        {#- timestamp, date: a time without a zone -#}
        make_timestamp(epoch_us({{ in_zone | replace('%s', 'cast(' ~ column ~ ' as timestamp)') }}))
    {%- endif -%}
{%- endmacro %}


{# The kind of a column by its type; none for text and numbers, whose values must be looked at. #}
{% macro time_kind_of_type(type) %}
    {%- set type = type | upper -%}
    {%- set has_zone = 'WITH TIME ZONE' in type or ('TZ' in type and 'NTZ' not in type) -%}
    {%- if type.startswith('TIMESTAMP') and (has_zone or (type == 'TIMESTAMP' and dwell.timestamp_is_instant())) -%}
        {{- return('timestamp_with_zone') -}}
    {%- elif type.startswith('TIMESTAMP') or type.startswith('DATETIME') -%}
        {{- return('timestamp') -}}
    {%- elif type == 'DATE' -%}
        {{- return('date') -}}
    {%- endif -%}
    {{- return(none) -}}
{% endmacro %}


{# Decides once for a whole file or relation, by most of its first 100 times: numbers are an epoch, whose
   unit their size tells; anything else is ISO 8601. sample: SQL with one text column, told_time. #}
{% macro time_kind_of_values(input, sample) %}
    {%- if input.time_format != 'auto' -%}
        {{- return(input.time_format) -}}
    {%- endif -%}
    {%- set found = run_query(
        'select count(told_time) as times, count(number) as numbers, ' ~ dwell.median('abs(number)') ~ ' as size '
        ~ 'from (select told_time, ' ~ dwell.number_in('told_time') ~ ' as number '
        ~ 'from (' ~ sample ~ ') as times where ' ~ dwell.clean_text('told_time') ~ ' is not null limit 100) as sampled'
    ).rows[0] -%}
    {%- set times, numbers, size = found.values() -%}
    {%- if numbers * 2 <= times -%}
        {{- return('iso') -}}
    {%- elif size < 1e11 -%}
        {{- return('epoch_seconds') -}}
    {%- elif size < 1e14 -%}
        {{- return('epoch_milliseconds') -}}
    {%- endif -%}
    {{- return('epoch_microseconds') -}}
{% endmacro %}


{# {time column: its kind} of a relation whose columns have types. #}
{% macro time_kinds(input, mapped, types, relation) %}
    {%- set kinds = {} -%}
    {%- for column in input.times -%}
        {%- set theirs = mapped[column] -%}
        {%- do kinds.update({
            column: dwell.time_kind_of_type(types[theirs])
                or dwell.time_kind_of_values(
                    input, 'select cast(' ~ dwell.quoted(theirs) ~ ' as ' ~ dwell.type_text() ~ ') as told_time from ' ~ relation
                )
        }) -%}
    {%- endfor -%}
    {{- return(kinds) -}}
{% endmacro %}
