{# Numbers as text. #}

{# As text: a number, a date. #}
{% macro digits(value) -%}
    cast({{ value }} as {{ dwell.type_text() }})
{%- endmacro %}


{# With three decimals: 1234.5 as 1234.500. #}
{% macro thousandths(number) -%}
    {{- return(adapter.dispatch('thousandths', 'dwell')(number)) -}}
{%- endmacro %}

{% macro default__thousandths(number) -%}
    {{ dwell.digits('cast(' ~ number ~ ' as decimal(28, 3))') }}
{%- endmacro %}
