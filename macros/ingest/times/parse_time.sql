{# The SQL that turns a time of one kind into a UTC timestamp, null where it is none.
   kind: iso, an epoch_ unit, iso_or_epoch (each value by itself), excel (days since 1899-12-30), or a format of strptime; for
   typed columns timestamp, timestamp_with_zone, date. #}
{% macro parse_time(column, kind) -%}
    {{- return(adapter.dispatch('parse_time', 'dwell')(column, kind)) -}}
{%- endmacro %}

{% macro duckdb__parse_time(column, kind) -%}
    {%- set units = dwell.microseconds_of_units() -%}
    {%- set in_zone = 'timezone(' ~ dwell.text(var('source_timezone')) ~ ', %s)' if var('source_timezone') != 'UTC' else '%s' -%}
    {%- if kind in units -%}
        make_timestamp(try_cast({{ dwell.duckdb__number(column) }} * {{ units[kind] }} as bigint))
    {%- elif kind == 'iso_or_epoch' -%}
        {%- set number = dwell.duckdb__number(column) %}
        coalesce(
            {{ dwell.parse_time(column, 'iso') }},
            make_timestamp(try_cast({{ number }} * case
                when abs({{ number }}) < 1e11 then {{ units['epoch_seconds'] }}
                when abs({{ number }}) < 1e14 then {{ units['epoch_milliseconds'] }}
                when abs({{ number }}) < 1e17 then {{ units['epoch_microseconds'] }}
                else {{ units['epoch_nanoseconds'] }}
            end as bigint))
        )
    {%- elif kind == 'excel' -%}
        {#- a double of days is exact to milliseconds only -#}
        {%- set milliseconds = 'round((cast(try_cast(' ~ column ~ ' as decimal(18, 10)) as decimal(25, 10)) - 25569) * 86400000)' -%}
        make_timestamp(epoch_us({{ in_zone | replace('%s', 'make_timestamp(try_cast(' ~ milliseconds ~ ' * 1000 as bigint))') }}))
    {%- elif '%' in kind -%}
        {%- set time = 'try_strptime(cast(' ~ column ~ ' as varchar), ' ~ dwell.text(kind) ~ ')' -%}
        make_timestamp(epoch_us({{ time if '%z' in kind else in_zone | replace('%s', 'cast(' ~ time ~ ' as timestamp)') }}))
    {%- elif kind == 'iso' -%}
        {%- set column = 'cast(' ~ column ~ ' as varchar)' -%}
        {%- set rewritten = dwell.rewritten_time('trim(' ~ column ~ ', ' ~ dwell.blanks() ~ ')') -%}
        {#- epoch_us of an infinite time is null -#}
        make_timestamp(coalesce(
            {{ dwell.duckdb__iso_time(column, in_zone) }},
            {{ dwell.duckdb__rewritten_time(rewritten, in_zone) }}
        ))
    {%- elif kind == 'timestamp_with_zone' -%}
        make_timestamp(epoch_us({{ column }}))
    {%- else -%}
        {#- timestamp, date: a time without a zone -#}
        make_timestamp(epoch_us({{ in_zone | replace('%s', 'cast(' ~ column ~ ' as timestamp)') }}))
    {%- endif -%}
{%- endmacro %}


{# A number as it is written; null for a text like 1.7E+12, as Excel shows and saves a long number: its digits are lost.
   DuckDB 1.5.5 takes 50 microseconds to make a decimal of more than 18 digits from a text, so that is done only where
   nothing narrower holds the number. #}
{% macro duckdb__number(column) -%}
    case
        when typeof({{ column }}) <> 'VARCHAR' then try_cast({{ column }} as decimal(25, 6))
        when regexp_full_match(cast({{ column }} as varchar), '[+-]?[0-9]{1,18}') then cast(try_cast({{ column }} as bigint) as decimal(25, 6))
        when not regexp_matches(cast({{ column }} as varchar), '[eE]')
            then coalesce(try_cast({{ column }} as decimal(18, 6)), try_cast({{ column }} as decimal(25, 6)))
    end
{%- endmacro %}


{% macro microseconds_of_units() %}
    {{- return({'epoch_seconds': 1000000, 'epoch_milliseconds': 1000, 'epoch_microseconds': 1, 'epoch_nanoseconds': 0.001}) -}}
{% endmacro %}


{# What DuckDB reads as it is, which nearly every time is; what ends in another letter than Z is looked at more closely, for
   DuckDB takes BST for the zone of Bangladesh. After a date, which has 8 characters or more, only an offset has a sign.
   The cast to TIMESTAMP does not depend on the time zone of the connection, and DuckDB 2.0 drops an offset in it. #}
{% macro duckdb__iso_time(column, in_zone) -%}
    {%- set after_date = 'substring(' ~ column ~ ', 9)' -%}
    case when right({{ column }}, 1) between '0' and '9' or ends_with({{ column }}, 'Z') then
        case
            when ends_with({{ column }}, 'Z') or contains({{ after_date }}, '+') or contains({{ after_date }}, '-')
                then epoch_us(try_cast({{ column }} as timestamptz))
            else epoch_us({{ in_zone | replace('%s', 'try_cast(' ~ column ~ ' as timestamp)') }})
        end
    end
{%- endmacro %}

{# The name of a zone has a region: BST and CST each mean several zones. #}
{% macro duckdb__rewritten_time(rewritten, in_zone) -%}
    {%- set time = '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?' -%}
    case
        when regexp_matches({{ rewritten }}, '{{ time }}(Z|[+-][0-9]{2}:[0-9]{2}| [A-Za-z_]+(/[A-Za-z0-9_+-]+)+)$') then epoch_us(try_cast({{ rewritten }} as timestamptz))
        when regexp_matches({{ rewritten }}, '{{ time }}$') then epoch_us({{ in_zone | replace('%s', 'try_cast(' ~ rewritten ~ ' as timestamp)') }})
    end
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


{# Detects the kind of all times of a file or relation, by most of its first 100. Numbers are an epoch, whose unit follows
   from their size; anything else is ISO 8601. sample: SQL with one text column, time_text. #}
{% macro time_kind_of_values(input, sample) %}
    {%- if input.time_format != 'auto' -%}
        {{- return(input.time_format) -}}
    {%- endif -%}
    {%- set found = run_query(
        'select count(time_text) as times, count(number) as numbers, ' ~ dwell.median('abs(number)') ~ ' as size '
        ~ 'from (select time_text, ' ~ dwell.number_in('time_text') ~ ' as number '
        ~ 'from (' ~ sample ~ ') as times where ' ~ dwell.clean_text('time_text') ~ ' is not null limit 100) as sampled'
    ).rows[0] -%}
    {%- set times, numbers, size = found.values() -%}
    {%- if numbers * 2 <= times -%}
        {{- return('iso') -}}
    {%- elif size < 1e11 -%}
        {{- return('epoch_seconds') -}}
    {%- elif size < 1e14 -%}
        {{- return('epoch_milliseconds') -}}
    {%- elif size < 1e17 -%}
        {{- return('epoch_microseconds') -}}
    {%- endif -%}
    {{- return('epoch_nanoseconds') -}}
{% endmacro %}


{# {time column: its kind} of a relation whose columns have types. #}
{% macro time_kinds(input, mapped, types, relation) %}
    {%- set kinds = {} -%}
    {%- for column in input.times -%}
        {%- set theirs = mapped[column] -%}
        {%- do kinds.update({
            column: dwell.time_kind_of_type(types[theirs['column']] or '')
                or dwell.time_kind_of_values(
                    input, 'select cast(' ~ dwell.value_of_source(theirs) ~ ' as ' ~ dwell.type_text() ~ ') as time_text from ' ~ relation
                )
        }) -%}
    {%- endfor -%}
    {{- return(kinds) -}}
{% endmacro %}
