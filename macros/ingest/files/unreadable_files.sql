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


{# Executed at the end of a run that could not store its input. If one of the files cannot be read to its end, names it. Each
   file is read again by itself, because DuckDB's message need not name it. #}
{% macro report_unreadable_files(results) %}
    {%- for result in results if result.status == 'error' and result.message and 'dwell: ' not in result.message -%}
        {%- for name in dwell.input_names() -%}
            {%- set input = dwell.input(name) -%}
            {%- if result.node.name in [input.stored_in, input.staged_in] and dwell.input_mode(input) == 'files' -%}
                {%- do dwell.read_each_file(input) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}


{% macro read_each_file(input) %}
    {%- do run_query('set variable dwell_nothing_is_broken = false') -%}
    {%- for layout, files in dwell.incoming_file_groups(input).items() -%}
        {%- set reads = dwell.read_landing_files if fromjson(layout)['format'] == 'landing' else dwell.read_files -%}
        {%- for file in files -%}
            {%- do dwell.query_file(
                file['source'], run_query,
                'select bit_xor(hash(file)) from (' ~ reads(input, layout, [file]) ~ ') as file'
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}
