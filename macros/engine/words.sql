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
    {{ dwell.grouped(number) }} || case when round({{ number }}) = 1 then ' {{ noun }}' else ' {{ noun }}s' end
{%- endmacro %}


{# Seconds, exactly and as people read them: 4,145.303 s (1 h 09 min 05 s). #}
{% macro as_duration(seconds) -%}
    {{- return(adapter.dispatch('as_duration', 'dwell')(seconds)) -}}
{%- endmacro %}

{% macro duckdb__as_duration(seconds) -%}
    {%- set whole = 'cast(round(' ~ seconds ~ ') as bigint)' -%}
    format('{:,.3f} s', {{ seconds }})
    || case
        when {{ whole }} < 60 then ''
        when {{ whole }} < 3600
            then format(' ({} min {:02d} s)', {{ whole }} // 60, {{ whole }} % 60)
        else format(' ({:,} h {:02d} min {:02d} s)', {{ whole }} // 3600, {{ whole }} // 60 % 60, {{ whole }} % 60)
    end
{%- endmacro %}


{# The first three texts of a column: a, b, c. #}
{% macro first_three(text, order_by) -%}
    {{- return(adapter.dispatch('first_three', 'dwell')(text, order_by)) -}}
{%- endmacro %}

{% macro duckdb__first_three(text, order_by) -%}
    array_to_string(list({{ text }} order by {{ order_by }})[:3], ', ')
{%- endmacro %}
