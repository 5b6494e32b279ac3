{# Where PostgreSQL differs. Redshift uses a macro from here if redshift.sql does not have it. #}

{% macro postgres__last_by(value, by) -%}
    (array_agg({{ value }} order by {{ by }} desc))[1]
{%- endmacro %}


{% macro postgres__microseconds(timestamp) -%}
    cast(extract(epoch from {{ timestamp }}) * 1000000 as bigint)
{%- endmacro %}

{% macro postgres__time_of_microseconds(microseconds) -%}
    timestamp '1970-01-01' + ({{ microseconds }}) * interval '1 microsecond'
{%- endmacro %}

{% macro postgres__numbers_to(count) -%}
    lateral (select generate_series(1, {{ count }}) as n)
{%- endmacro %}


{# json_build_object would put blanks between #}
{% macro postgres__json_of(columns) -%}
    '{' {%- for key, expression in columns.items() %}
    || {{ dwell.text((',' if not loop.first else '') ~ tojson(key) ~ ':') }}
    || coalesce(cast(to_json(cast({{ expression }} as text)) as text), 'null')
    {%- endfor %} || '}'
{%- endmacro %}

{% macro postgres__json_text(json, key) -%}
    cast({{ json }} as json) ->> {{ dwell.text(key) }}
{%- endmacro %}

{% macro postgres__clean_text(column) -%}
    nullif(btrim({{ column }}, {{ dwell.blanks() }}), '')
{%- endmacro %}

{# no epoch has more digits before the point #}
{% macro postgres__number_in(text) -%}
    case when {{ text }} ~ '^ *[+-]?[0-9]{1,19}([.][0-9]*)? *$' then cast({{ text }} as double precision) end
{%- endmacro %}


{% macro postgres__create_table(relation, columns, or_replace) -%}
    {%- if or_replace -%}
    drop table if exists {{ relation }};
    {% endif -%}
    {{ dwell.default__create_table(relation, columns, false) }}
{%- endmacro %}

{% macro postgres__create_scratch(name, query) -%}
    drop table if exists {{ name }};
    create temporary table {{ name }} as {{ query }}
{%- endmacro %}

{% macro postgres__without_transactions_by() %}
    {%- if target.get('autocommit') and adapter.behavior.postgres_skip_autocommit_transaction_statements.no_warn -%}
        {{- return('autocommit: true in the target ' ~ target.name ~ ' of profiles.yml') -}}
    {%- endif -%}
    {{- return(none) -}}
{% endmacro %}

{% macro postgres__wait_for_other_runs(relation) -%}
    lock table {{ relation }} in exclusive mode;
{%- endmacro %}


{# PostgreSQL would put a subquery's expressions in place of their names, and parse a time ten times. #}
{% macro postgres__computed_once() %}
    offset 0
{% endmacro %}


{# There is no cast that gives null for what is no time, so that a text is looked at first: ISO 8601, of a day that
   there is, with a time or without, with a zone (an offset) or without. #}
{% macro postgres__parse_time(column, kind) -%}
    {%- set zone = dwell.text(var('source_timezone')) -%}
    {%- set units = dwell.microseconds_of_units() -%}
    {%- if kind in units -%}
        {%- set us = 'round(cast(cast(' ~ column ~ ' as text) as numeric) * ' ~ units[kind] ~ ')' %}
        case
            when cast({{ column }} as text) ~ '^ *[+-]?[0-9]{1,18}([.][0-9]{1,9})? *$'
                then case when {{ dwell.is_of_a_year(us) }} then {{ dwell.time_of_microseconds(us) }} end
        end
    {%- elif kind == 'iso' -%}
        {%- set time_text = 'btrim(cast(' ~ column ~ ' as text))' -%}
        coalesce({{ dwell.postgres__iso_time(time_text, zone) }}, {{ dwell.postgres__iso_time(dwell.rewritten_time(time_text), zone) }})
    {%- elif kind == 'timestamp_with_zone' -%}
        timezone('UTC', {{ column }})
    {%- else -%}
        timezone('UTC', timezone({{ zone }}, cast({{ column }} as timestamp)))
    {%- endif -%}
{%- endmacro %}


{# Of more than six digits of a second, PostgreSQL would round the sixth: these are rewritten. #}
{% macro postgres__iso_time(time_text, zone) -%}
    case
        when {{ time_text }} ~ '{{ dwell.iso_8601() }}'
            then case
                when not {{ dwell.is_day_of_its_month(time_text) }} then null
                when {{ time_text }} ~ '(Z|z|:[0-9.]*[+-][0-9]{2}(:?[0-9]{2})?)$'
                    then timezone('UTC', cast({{ time_text }} as timestamptz))
                else timezone('UTC', timezone({{ zone }}, cast({{ time_text }} as timestamp)))
            end
    end
{%- endmacro %}


{% macro iso_8601() -%}
    ^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?([Zz]|[+-][01][0-9](:?[0-5][0-9])?)?)?$
{%- endmacro %}


{% macro is_day_of_its_month(time_text) -%}
    {%- set first = 'cast(substr(' ~ time_text ~ ", 1, 7) || '-01' as date)" -%}
    (cast(substr({{ time_text }}, 9, 2) as integer) <= extract(day from {{ dbt.last_day(first, 'month') }}))
{%- endmacro %}
