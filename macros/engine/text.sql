{% macro text(value) -%}
    {{- dbt.string_literal(dbt.escape_single_quotes(value | string)) -}}
{%- endmacro %}


{% macro text_list(values) -%}
    {%- set literals = [] -%}
    {%- for value in values -%}{%- do literals.append(dwell.text(value)) -%}{%- endfor -%}
    ({{ literals | join(', ') }})
{%- endmacro %}


{% macro clean_text(column) -%}
    {{- return(adapter.dispatch('clean_text', 'dwell')(column)) -}}
{%- endmacro %}

{# Most text needs no trimming, and to look is ten times as fast as to trim. What sorts before ! is empty, or begins
   with a blank or a control character. #}
{% macro duckdb__clean_text(column) -%}
    {%- set blanks = ["' '", 'chr(9)', 'chr(10)', 'chr(13)'] -%}
    {%- set ends = [] -%}
    {%- for blank in blanks -%}{%- do ends.append('ends_with(' ~ column ~ ', ' ~ blank ~ ')') -%}{%- endfor -%}
    case
        when {{ column }} >= '!' and not ({{ ends | join(' or ') }}) then {{ column }}
        else nullif(trim({{ column }}, {{ blanks | join(' || ') }}), '')
    end
{%- endmacro %}


{% macro pseudonym(column) -%}
    {{- return(adapter.dispatch('pseudonym', 'dwell')(column)) -}}
{%- endmacro %}

{# 128 bits of SHA-256 over the key and the id: one id, one pseudonym, and no way back without the key. #}
{% macro duckdb__pseudonym(column) -%}
    left(sha256(getvariable('dwell_salt') || chr(31) || {{ column }}), 32)
{%- endmacro %}


{% macro json_of(columns) -%}
    {{- return(adapter.dispatch('json_of', 'dwell')(columns)) -}}
{%- endmacro %}

{# columns: {key: SQL expression}. One JSON object as text. #}
{% macro duckdb__json_of(columns) -%}
    cast(json_object(
        {%- for key, expression in columns.items() %}
        {{ dwell.text(key) }}, {{ expression }}{{ ',' if not loop.last }}
        {%- endfor %}
    ) as varchar)
{%- endmacro %}


{% macro json_text(json, key) -%}
    {{- return(adapter.dispatch('json_text', 'dwell')(json, key)) -}}
{%- endmacro %}

{% macro duckdb__json_text(json, key) -%}
    json_extract_string({{ json }}, {{ dwell.text('$."' ~ key ~ '"') }})
{%- endmacro %}


{# A row that cannot be taken apart may hold a user id anywhere: where ids are pseudonyms, a keyed hash
   stands for it, by which equal rows can still be told. #}
{% macro withheld_if_private(column) -%}
    {%- if var('pseudonymize_user_ids') -%}
        '(withheld: ' || length({{ column }}) || ' characters, ' || {{ dwell.pseudonym(column) }} || ')'
    {%- else -%}
        {{ column }}
    {%- endif -%}
{%- endmacro %}


{# A column's name as SQL, whatever characters it has. #}
{% macro quoted(name) -%}
    {{- return(adapter.dispatch('quoted', 'dwell')(name)) -}}
{%- endmacro %}

{% macro default__quoted(name) -%}
    {{- return('"' ~ name | replace('"', '""') ~ '"') -}}
{%- endmacro %}
