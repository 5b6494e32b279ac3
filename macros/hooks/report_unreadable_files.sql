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
