{# {our column: the input's column, or none}; or, where columns are missing, a sentence. #}
{% macro map_columns(input, found, where) %}
    {%- set named = input.named -%}
    {%- set by_key = {} -%}
    {%- for column in found -%}{%- do by_key.update({column | trim | lower: column}) -%}{%- endfor -%}
    {%- set mapped = {} -%}
    {%- set missing = [] -%}
    {%- for column in input.columns -%}
        {%- if column in named and named[column] is none -%}
            {%- do mapped.update({column: none}) -%}
        {%- else -%}
            {%- set wanted = named.get(column, column) | trim -%}
            {%- do mapped.update({column: by_key.get(wanted | lower)}) -%}
            {%- if wanted | lower not in by_key -%}{%- do missing.append(wanted) -%}{%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if missing -%}
        {{- return(
            where ~ ' has no column ' ~ missing | join(', ') ~ '; it has ' ~ (found | join(', ') or 'none')
            ~ '. Name the columns in ' ~ input.name ~ '_columns, as in {user_id: customer}, or {client: null}'
            ~ ' for one that the input lacks.'
        ) -}}
    {%- endif -%}
    {{- return(mapped) -}}
{% endmacro %}


{% macro map_columns_or_stop(input, found, where) %}
    {%- set mapped = dwell.map_columns(input, found, where) -%}
    {%- if mapped is string -%}{%- do dwell.stop(mapped) -%}{%- endif -%}
    {{- return(mapped) -}}
{% endmacro %}
