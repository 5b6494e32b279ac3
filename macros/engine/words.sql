{# Numbers as people read them. Each gives text. #}

{# 1234.5 as 1,234 (whole numbers; halves away from zero). #}
{% macro grouped(number) -%}
    {{- return(adapter.dispatch('grouped', 'dwell')(number)) -}}
{%- endmacro %}

{% macro duckdb__grouped(number) -%}
    format('{:,}', cast(round({{ number }}) as bigint))
{%- endmacro %}


{# 3 sessions, 1 session. #}
{% macro counted(number, noun) -%}
    {{ dwell.grouped(number) }} || case when {{ dwell.rounded(number) }} = 1 then ' {{ noun }}' else ' {{ noun }}s' end
{%- endmacro %}


{# Seconds, exactly and as people read them: 4,145.303 s (1 h 09 min 05 s). #}
{% macro as_duration(seconds) -%}
    {%- set whole = dwell.whole(seconds) -%}
    {%- set minutes, rest = dwell.divided(whole, 60) -%}
    {%- set hours, minutes_left = dwell.divided(minutes, 60) -%}
    {{ dwell.to_the_thousandth(seconds) }} || ' s'
    || case
        when {{ whole }} < 60 then ''
        when {{ whole }} < 3600
            then ' (' || {{ dwell.digits(minutes) }} || ' min ' || {{ dwell.two_digits(rest) }} || ' s)'
        else
            ' (' || {{ dwell.grouped(hours) }} || ' h ' || {{ dwell.two_digits(minutes_left) }} || ' min '
            || {{ dwell.two_digits(rest) }} || ' s)'
    end
{%- endmacro %}

{% macro whole(number) -%}
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
    cast({{ value }} as {{ dbt.type_string() }})
{%- endmacro %}

{% macro two_digits(number) -%}
    lpad({{ dwell.digits(number) }}, 2, '0')
{%- endmacro %}


{# 4145.3026 as 4,145.303. #}
{% macro to_the_thousandth(number) -%}
    {{- return(adapter.dispatch('to_the_thousandth', 'dwell')(number)) -}}
{%- endmacro %}

{% macro duckdb__to_the_thousandth(number) -%}
    format('{:,.3f}', {{ number }})
{%- endmacro %}


{# The first three texts of a column: a, b, c. #}
{% macro first_three(text, order_by) -%}
    {{- return(adapter.dispatch('first_three', 'dwell')(text, order_by)) -}}
{%- endmacro %}

{% macro default__first_three(text, order_by) -%}
    {{ dbt.listagg(text, "', '", 'order by ' ~ order_by, 3) }}
{%- endmacro %}

{% macro duckdb__first_three(text, order_by) -%}
    array_to_string(list({{ text }} order by {{ order_by }})[:3], ', ')
{%- endmacro %}
