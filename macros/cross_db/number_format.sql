{# Numbers as people read them. Each gives text. #}

{# 1234.5 as 1,234 (whole numbers; halves away from zero). #}
{% macro grouped(number) -%}
    {{- return(adapter.dispatch('grouped', 'dwell')(number)) -}}
{%- endmacro %}

{# by hand, below 10^12: formats with commas differ, and emulators have none or others #}
{% macro default__grouped(number) -%}
    {%- set whole = dwell.to_integer(number) -%}
    {%- set thousands, ones = dwell.divided(whole, 1000) -%}
    {%- set millions, thousands_left = dwell.divided(thousands, 1000) -%}
    {%- set billions, millions_left = dwell.divided(millions, 1000) -%}
    case
        when {{ whole }} < 1000 then {{ dwell.digits(whole) }}
        when {{ whole }} < 1000000 then {{ dwell.digits(thousands) }} || ',' || {{ dwell.padded(ones, 3) }}
        when {{ whole }} < 1000000000
            then
                {{ dwell.digits(millions) }} || ',' || {{ dwell.padded(thousands_left, 3) }}
                || ',' || {{ dwell.padded(ones, 3) }}
        else
            {{ dwell.digits(billions) }} || ',' || {{ dwell.padded(millions_left, 3) }}
            || ',' || {{ dwell.padded(thousands_left, 3) }} || ',' || {{ dwell.padded(ones, 3) }}
    end
{%- endmacro %}

{% macro duckdb__grouped(number) -%}
    format('{:,}', cast(round({{ number }}) as bigint))
{%- endmacro %}


{# 3 sessions, 1 session. #}
{% macro counted(number, noun) -%}
    {{ dwell.grouped(number) }} || case when {{ dwell.rounded(number) }} = 1 then ' {{ noun }}' else ' {{ noun }}s' end
{%- endmacro %}


{# Seconds, to the thousandth and as people read them: 4,145.303 s (1 h 09 min 05 s). #}
{% macro as_duration(seconds) -%}
    {%- set thousandths = dwell.to_integer(seconds ~ ' * 1000') -%}
    {%- set seconds_before, thousandths_after = dwell.divided(thousandths, 1000) -%}
    {%- set whole = dwell.to_integer(seconds) -%}
    {%- set minutes, rest = dwell.divided(whole, 60) -%}
    {%- set hours, minutes_left = dwell.divided(minutes, 60) -%}
    {{ dwell.grouped(seconds_before) }} || '.' || {{ dwell.padded(thousandths_after, 3) }} || ' s'
    || case
        when {{ whole }} < 60 then ''
        when {{ whole }} < 3600
            then ' (' || {{ dwell.digits(minutes) }} || ' min ' || {{ dwell.padded(rest, 2) }} || ' s)'
        else
            ' (' || {{ dwell.grouped(hours) }} || ' h ' || {{ dwell.padded(minutes_left, 2) }} || ' min '
            || {{ dwell.padded(rest, 2) }} || ' s)'
    end
{%- endmacro %}

{% macro to_integer(number) -%}
    cast({{ dwell.rounded(number) }} as {{ dbt.type_bigint() }})
{%- endmacro %}

{# halves away from zero #}
{% macro rounded(number) -%}
    {{- return(adapter.dispatch('rounded', 'dwell')(number)) -}}
{%- endmacro %}

{% macro default__rounded(number) -%}
    round({{ number }})
{%- endmacro %}

{# [how many times a whole number goes into another, what is left]. #}
{% macro divided(number, by) %}
    {%- set times = 'cast(floor(' ~ number ~ ' / ' ~ by ~ '.0) as ' ~ dbt.type_bigint() ~ ')' -%}
    {{- return([times, '(' ~ number ~ ' - ' ~ by ~ ' * ' ~ times ~ ')']) -}}
{% endmacro %}

{# As text: a number, a date. #}
{% macro digits(value) -%}
    cast({{ value }} as {{ dwell.type_text() }})
{%- endmacro %}

{% macro padded(number, digits) -%}
    lpad({{ dwell.digits(number) }}, {{ digits }}, '0')
{%- endmacro %}


{# The texts of a column at the places 1 to 3: a, b, c. #}
{% macro first_three(text, place) -%}
    {{- return(adapter.dispatch('joined', 'dwell')(
        'case when ' ~ place ~ ' <= 3 then ' ~ text ~ ' end', place
    )) -}}
{%- endmacro %}

{% macro default__joined(text, order_by) -%}
    {{ dbt.listagg(text, "', '", 'order by ' ~ order_by) }}
{%- endmacro %}
