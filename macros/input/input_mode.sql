{# Where the events come from: files, relation or sample. #}
{% macro input_mode() %}
    {%- if var('events_path') -%}{{- return('files') -}}{%- endif -%}
    {%- if var('events_relation') -%}{{- return('relation') -}}{%- endif -%}
    {{- return('sample') -}}
{% endmacro %}


{# Whether a run reads the whole input again, instead of what is new. #}
{% macro input_is_read_whole() %}
    {{- return(
        dwell.input_mode() == 'sample'
        or (dwell.input_mode() == 'relation' and not var('events_loaded_at'))
    ) -}}
{% endmacro %}


{# The relation that holds the input, where it is one. #}
{% macro input_relation() %}
    {%- if dwell.input_mode() == 'sample' -%}
        {%- if not execute -%}{{- return(none) -}}{%- endif -%}
        {%- set seed = graph.nodes['seed.dwell.events'] -%}
        {{- return(api.Relation.create(
            database=seed.database, schema=seed.schema, identifier=seed.alias
        )) -}}
    {%- endif -%}
    {%- set parts = var('events_relation').split('.') -%}
    {{- return(api.Relation.create(
        database=parts[-3] if parts | length > 2 else target.database,
        schema=parts[-2] if parts | length > 1 else target.schema,
        identifier=parts[-1]
    )) -}}
{% endmacro %}


{# The six columns, in the order in which they are told to people. #}
{% macro event_columns() %}
    {{- return(
        ['event_name', 'user_id', 'app_version', 'event_time', 'device_id', 'client']
    ) -}}
{% endmacro %}


{# {our column: the input's column, or none}; or, where columns are missing, a sentence. #}
{% macro map_event_columns(found, where) %}
    {%- set named = var('events_columns') -%}
    {%- set by_key = {} -%}
    {%- for column in found -%}{%- do by_key.update({column | trim | lower: column}) -%}{%- endfor -%}
    {%- set mapped = {} -%}
    {%- set missing = [] -%}
    {%- for column in dwell.event_columns() -%}
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
            ~ '. Name the columns in events_columns, as in {user_id: customer}, or {client: null}'
            ~ ' for one that the input lacks.'
        ) -}}
    {%- endif -%}
    {{- return(mapped) -}}
{% endmacro %}


{% macro map_event_columns_or_stop(found, where) %}
    {%- set mapped = dwell.map_event_columns(found, where) -%}
    {%- if mapped is string -%}{%- do dwell.stop(mapped) -%}{%- endif -%}
    {{- return(mapped) -}}
{% endmacro %}


{% macro stop(sentence) %}
    {{- exceptions.raise_compiler_error('dwell: ' ~ sentence) -}}
{% endmacro %}
