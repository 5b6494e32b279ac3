{% macro as_list(value) %}
    {{- return([value] if value is string else value | list) -}}
{% endmacro %}


{% macro is_text_or_list(value) %}
    {%- if value is string -%}{{- return(true) -}}{%- endif -%}
    {%- if value is mapping or value is not iterable -%}{{- return(false) -}}{%- endif -%}
    {{- return(value | reject('string') | list | length == 0) -}}
{% endmacro %}


{% macro check_one_of(name, allowed) %}
    {%- if var(name) not in allowed -%}
        {%- do dwell.raise_error(name ~ ' must be one of ' ~ allowed | join(', ') ~ ', not ' ~ var(name) ~ '.') -%}
    {%- endif -%}
{% endmacro %}


{% macro check_flag(name) %}
    {%- if var(name) is not boolean -%}
        {%- do dwell.raise_error(name ~ ' must be true or false, not ' ~ var(name) ~ '.') -%}
    {%- endif -%}
{% endmacro %}


{% macro check_number(name, least, most) %}
    {%- set value = var(name) -%}
    {#- so written, it refuses a NaN too -#}
    {%- if value is boolean or value is not number or not (least <= value and value <= most) -%}
        {%- do dwell.raise_error(name ~ ' must be a number from ' ~ least ~ ' to ' ~ most ~ ', not ' ~ value ~ '.') -%}
    {%- endif -%}
{% endmacro %}


{% macro check_whole_number(name, least, most) %}
    {%- set value = var(name) -%}
    {%- if value is boolean or value is not integer or not (least <= value and value <= most) -%}
        {%- do dwell.raise_error(name ~ ' must be a whole number from ' ~ least ~ ' to ' ~ most ~ ', not ' ~ value ~ '.') -%}
    {%- endif -%}
{% endmacro %}


{# Stops the run with a sentence that says what to do: one line, whatever is quoted in it, and no page of it. #}
{% macro raise_error(sentence) %}
    {%- set sentence = dwell.escaped(modules.re.sub('[\r\n]+', ' ', sentence)) -%}
    {%- if sentence | length > 1500 -%}
        {%- set sentence = sentence[:1000] ~ ' (...) ' ~ sentence[-400:] -%}
    {%- endif -%}
    {{- exceptions.raise_compiler_error('dwell: ' ~ sentence) -}}
{% endmacro %}
