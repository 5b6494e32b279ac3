{# {our column: the input's column, or none}; or, where columns are missing or there twice, a sentence. #}
{% macro map_columns(input, found, where) %}
    {%- set named = input.named -%}
    {%- set by_key = {} -%}
    {%- set twice = [] -%}
    {%- for column in found -%}
        {%- set key = column | trim | lower -%}
        {%- if key in by_key -%}{%- do twice.append(key) -%}{%- endif -%}
        {%- do by_key.update({key: column}) -%}
    {%- endfor -%}
    {%- set mapped = {} -%}
    {%- set missing = [] -%}
    {%- set ambiguous = [] -%}
    {%- for column in input.columns -%}
        {%- if column in named and named[column] is none -%}
            {%- do mapped.update({column: none}) -%}
        {%- else -%}
            {%- set wanted = named.get(column, column) | trim -%}
            {%- do mapped.update({column: by_key.get(wanted | lower)}) -%}
            {%- if wanted | lower not in by_key -%}{%- do missing.append(wanted) -%}{%- endif -%}
            {%- if wanted | lower in twice -%}{%- do ambiguous.append(wanted) -%}{%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if ambiguous -%}
        {{- return(
            where ~ ' has more than one column ' ~ ambiguous | join(', ') ~ ' (capitals and blanks around a name do not '
            ~ 'count), and nobody can tell which is meant. Rename all but one.'
        ) -}}
    {%- endif -%}
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
