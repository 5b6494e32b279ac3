{# Numbers as people read them. Each gives text. #}

{# 1234.5 as 1,234 (whole numbers; halves away from zero). #}
{% macro grouped(number) -%}
    {{- return(adapter.dispatch('grouped', 'dwell')(number)) -}}
{%- endmacro %}

{% macro duckdb__grouped(number) -%}
    format('{:,}', cast(round({{ number }}) as bigint))
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


{# The texts of a column in one, told as a list. #}
{% macro listed(text, order_by) -%}
    {{- return(adapter.dispatch('listed', 'dwell')(text, order_by)) -}}
{%- endmacro %}

{% macro duckdb__listed(text, order_by) -%}
    array_to_string(list({{ text }} order by {{ order_by }})[:3], ' and ')
{%- endmacro %}
