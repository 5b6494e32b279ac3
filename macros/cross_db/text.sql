{# A value as a literal: whatever is in it, it is text. #}
{% macro text(value) -%}
    {{- return(adapter.dispatch('text', 'dwell')(value | string)) -}}
{%- endmacro %}

{% macro default__text(value) -%}
    '{{ value | replace("'", "''") }}'
{%- endmacro %}


{% macro text_list(values) -%}
    {%- set literals = [] -%}
    {%- for value in values -%}{%- do literals.append(dwell.text(value)) -%}{%- endfor -%}
    ({{ literals | join(', ') }})
{%- endmacro %}


{# Without leading and trailing blanks, tabs, and line ends; null if nothing is left. #}
{% macro clean_text(column) -%}
    {{- return(adapter.dispatch('clean_text', 'dwell')(column)) -}}
{%- endmacro %}

{% macro default__clean_text(column) -%}
    nullif(trim({{ column }}, {{ dwell.blanks() }}), '')
{%- endmacro %}

{# Most text needs no trimming, and the check is ten times as fast as trimming. Text that sorts before ! is empty, or begins
   with a blank or a control character. #}
{% macro duckdb__clean_text(column) -%}
    {%- set ends = [] -%}
    {%- for blank in ["' '", 'chr(9)', 'chr(10)', 'chr(13)'] -%}
        {%- do ends.append('ends_with(' ~ column ~ ', ' ~ blank ~ ')') -%}
    {%- endfor -%}
    case
        when {{ column }} >= '!' and not ({{ ends | join(' or ') }}) then {{ column }}
        else {{ dwell.default__clean_text(column) }}
    end
{%- endmacro %}

{# The same, and null if it is one of null_values. #}
{% macro known_text(column) -%}
    {%- set text = dwell.clean_text(column) -%}
    {%- if var('null_values') -%}
        case when {{ text }} not in {{ dwell.text_list(var('null_values')) }} then {{ text }} end
    {%- else -%}
        {{ text }}
    {%- endif -%}
{%- endmacro %}


{# The same of an id. A program that reads whole numbers with gaps writes them as 12345.0: that is 12345. #}
{% macro known_id(column) -%}
    {%- set text = dwell.known_text(column) -%}
    case when {{ text }} like '%.0' then {{ dwell.regex_replace(text, '^([0-9]+)[.]0$', '\\1') }} else {{ text }} end
{%- endmacro %}


{% macro blanks() -%}
    ' ' || chr(9) || chr(10) || chr(13)
{%- endmacro %}


{% macro pseudonym(column) -%}
    {{- return(adapter.dispatch('pseudonym', 'dwell')(column)) -}}
{%- endmacro %}

{# no key, no pseudonym: check_privacy reports it before #}
{% macro default__pseudonym(column) -%}
    {{ dwell.fail_with("'dwell: there is no key for pseudonyms'") }}
{%- endmacro %}

{# 128 bits of SHA-256 over the key and the id: one id, one pseudonym, and no way back without the key. A key that became
   too short during the run gives no pseudonyms, but stops the run. #}
{% macro duckdb__pseudonym(column) -%}
    case
        when length({{ dwell.duckdb__pseudonym_key() }}) >= 16 then left(sha256({{ dwell.duckdb__pseudonym_key() }} || chr(31) || {{ column }}), 32)
        else {{ dwell.default__pseudonym(column) }}
    end
{%- endmacro %}

{# The text of the key's file, without the line end. #}
{% macro duckdb__pseudonym_key() -%}
    (select rtrim(content, chr(13) || chr(10)) from read_text({{ dwell.text(dwell.name_as_pattern(var('pseudonym_key_file') or '')) }}))
{%- endmacro %}


{# Distinguishes keys without revealing them; null without a key, as on engines that can only receive a key in the text
   of a statement. #}
{% macro key_fingerprint() -%}
    {{- return(adapter.dispatch('key_fingerprint', 'dwell')()) -}}
{%- endmacro %}

{% macro default__key_fingerprint() -%}
    null
{%- endmacro %}

{% macro duckdb__key_fingerprint() -%}
    case
        when length({{ dwell.duckdb__pseudonym_key() }}) >= 16
            then left(sha256('fingerprint' || chr(31) || {{ dwell.duckdb__pseudonym_key() }}), 16)
    end
{%- endmacro %}


{% macro json_of(columns) -%}
    {{- return(adapter.dispatch('json_of', 'dwell')(columns)) -}}
{%- endmacro %}

{# columns: {key: SQL expression}. One JSON object as text. #}
{% macro duckdb__json_of(columns) -%}
    cast(json_object({{ dwell.keys_and_values(columns) }}) as varchar)
{%- endmacro %}

{% macro keys_and_values(columns) -%}
    {%- for key, expression in columns.items() %}
        {{ dwell.text(key) }}, {{ expression }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{% macro json_text(json, key) -%}
    {{- return(adapter.dispatch('json_text', 'dwell')(json, key)) -}}
{%- endmacro %}

{% macro duckdb__json_text(json, key) -%}
    json_extract_string({{ json }}, {{ dwell.text('$."' ~ key ~ '"') }})
{%- endmacro %}


{# A row that cannot be parsed may hold a user id anywhere. If ids are pseudonyms, a keyed hash replaces the row, so that
   equal rows can still be recognised. #}
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


{# The same where the name comes from the settings, which need not know how an engine stores it. #}
{% macro column_named(name) -%}
    {{- return(adapter.dispatch('column_named', 'dwell')(name)) -}}
{%- endmacro %}

{% macro default__column_named(name) -%}
    {{- return(dwell.quoted(name)) -}}
{%- endmacro %}


{# SQL: a text in which what a pattern matches is replaced; in the replacement, \1 is the pattern's first group. #}
{% macro regex_replace(text, pattern, replacement) -%}
    {{- return(adapter.dispatch('regex_replace', 'dwell')(text, pattern, replacement)) -}}
{%- endmacro %}

{% macro default__regex_replace(text, pattern, replacement) -%}
    regexp_replace({{ text }}, {{ dwell.text(pattern) }}, {{ dwell.text(replacement) }})
{%- endmacro %}


{# A number that a text may be; null where it is none. #}
{% macro number_in(text) -%}
    {{- return(adapter.dispatch('number_in', 'dwell')(text)) -}}
{%- endmacro %}

{% macro default__number_in(text) -%}
    try_cast({{ text }} as {{ dwell.type_double() }})
{%- endmacro %}
