{# A file that DuckDB cannot read stops the run. DuckDB's own message is in dbt's log, and does not explain what to do. #}

{# Queries a file, by a macro and its arguments. #}
{% macro query_file(name, question) %}
    {{- return(try_or_compiler_error('dwell: ' ~ dwell.cannot_be_read(name), question, *varargs)) -}}
{% endmacro %}


{% macro cannot_be_read(name) -%}
    {%- if modules.re.search('[.]parquet$', name | lower) -%}
        {%- set why = 'is truncated, damaged, or encrypted, or is no Parquet' -%}
    {%- elif modules.re.search('[.](json|jsonl|ndjson)([.]gz|[.]gzip|[.]zst)?$', name | lower) -%}
        {%- set why = 'is truncated or damaged, is no JSON from its first character to its last, or has an object of more than 16 MB (64 MB with ' ~ 'the setting events_json or heartbeats_json)' -%}
    {%- else -%}
        {%- set why = 'is damaged, its lines end in different ways (LF, CRLF, CR), or it is not in the encoding that the setting names (Windows-1252 is not '
            ~ 'Latin-1: iconv -f cp1252 -t utf-8 makes it UTF-8)' -%}
    {%- endif -%}
    {{ dwell.escaped(name) }} cannot be read: it {{ why }}. Replace it with an intact file, or remove it from the input. Nothing was loaded from it; DuckDB's message is in dbt's log, logs/dbt.log.
{%- endmacro %}
