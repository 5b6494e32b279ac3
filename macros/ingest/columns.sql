{# Where each of our columns comes from. A source is none (the input has no such column) or one of
   {'column': its name}, {'path': [its name, key, ...]} for a value within JSON or a struct, {'value': a constant}; or, in
   messages, {'first_of': sources}. #}

{# {our column: its source}; or, if a column is missing or occurs twice, the text of an error. has_exact_names: whether names that
   differ by capitals are two names, as in JSON. folders: {key: value} of folders called key=value. absent: paths at which
   no row has a key, which are as good as missing columns. #}
{% macro map_columns(input, found, where, has_exact_names=false, folders={}, absent=[]) %}
    {%- set by_key, twice = {}, [] -%}
    {%- for column in found -%}
        {%- set key = column | trim | lower -%}
        {%- if key in by_key -%}{%- do twice.append(key) -%}{%- endif -%}
        {%- do by_key.setdefault(key, column) -%}
    {%- endfor -%}
    {%- set known = {'found': found if has_exact_names else [], 'by_key': by_key, 'folders': folders, 'absent': absent} -%}
    {%- set mapped, missing, ambiguous = {}, [], [] -%}
    {%- for column in input.columns -%}
        {%- set wanted = dwell.as_sources(input.named.get(column, column)) -%}
        {%- set sources = [] -%}
        {%- for name in wanted -%}
            {%- set source = dwell.source_named(name, known, column in input.named) -%}
            {%- if source is not none or name is none -%}{%- do sources.append([name, source]) -%}{%- endif -%}
        {%- endfor -%}
        {%- if not sources -%}
            {%- do missing.append(wanted | join(' or ')) -%}
        {%- else -%}
            {%- set name, source = sources[0] -%}
            {%- do mapped.update({column: source}) -%}
            {%- if name is string and name | trim | lower in twice and name not in known.found -%}
                {%- do ambiguous.append(name | trim) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if ambiguous -%}
        {{- return(
            where ~ ' has more than one column ' ~ ambiguous | join(', ') ~ ' (capitals and blanks around a name do not '
            ~ 'count), so dwell cannot decide between them. Rename all but one.'
        ) -}}
    {%- endif -%}
    {%- if missing -%}
        {{- return(
            where ~ ' has no column ' ~ missing | join(', ') ~ '; it has ' ~ (found | join(', ') or 'none')
            ~ ('. No row has a key ' ~ absent | map('join', '.') | join(', ') if absent else '')
            ~ ('. Its folders name ' ~ folders | join(', ') ~ ', which is read if a setting names it, as in {'
                ~ folders | first ~ ': ' ~ folders | first ~ '}' if folders else '')
            ~ '. Name the columns in ' ~ input.name ~ '_columns, as in {user_id: customer}, or {client: null}'
            ~ ' for one that the input lacks.'
        ) -}}
    {%- endif -%}
    {{- return(mapped) -}}
{% endmacro %}


{# What a setting names as the source of a column: a list of which the first that is there counts. #}
{% macro as_sources(named) %}
    {{- return([named] if named is none or named is string or named is mapping else named) -}}
{% endmacro %}


{# The source that a name of a setting means in an input; none where the input has none. A column of that very name
   comes before a path, and a column before a folder, which must be named. #}
{% macro source_named(name, known, is_set) %}
    {%- if name is none -%}{{- return(none) -}}{%- endif -%}
    {%- if name is mapping -%}{{- return({'value': name['value'] | string}) -}}{%- endif -%}
    {%- set key = name | trim | lower -%}
    {%- if name in known.found -%}{{- return({'column': name}) -}}{%- endif -%}
    {%- if key in known.by_key -%}{{- return({'column': known.by_key[key]}) -}}{%- endif -%}
    {%- if is_set and name | trim in known.folders -%}{{- return({'value': known.folders[name | trim]}) -}}{%- endif -%}
    {%- set keys = (name | trim).split('.') -%}
    {#- the longest column that the path may begin with -#}
    {%- for length in range(keys | length - 1, 0, -1) if is_set -%}
        {%- set head = dwell.source_named(keys[:length] | join('.'), {'found': known.found, 'by_key': known.by_key, 'folders': {}, 'absent': []}, false) -%}
        {%- if head is not none and head['column'] is defined -%}
            {%- set path = [head['column']] + keys[length:] -%}
            {{- return({'path': path} if path not in known.absent else none) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(none) -}}
{% endmacro %}


{# The same; a path counts where a row has a key there. rows: SQL with the rows, as columns, or as objects, json. #}
{% macro map_columns_and_paths(input, found, where, rows, is_json=false, folders={}) %}
    {%- set absent = [] -%}
    {%- for _ in range(100) -%}
        {%- set mapped = dwell.map_columns(input, found, where, is_json, folders, absent) -%}
        {%- if mapped is string -%}{{- return(mapped) -}}{%- endif -%}
        {%- set sources = [] -%}
        {#- where null alone would come instead, both give null, and no row need be read -#}
        {%- for column, source in mapped.items() if dwell.as_sources(input.named.get(column))[1:] != [none] -%}
            {%- do sources.append(source) -%}
        {%- endfor -%}
        {%- set new = dwell.paths_without_key(sources, rows, is_json) -%}
        {%- if not new -%}{{- return(mapped) -}}{%- endif -%}
        {%- do absent.extend(new) -%}
    {%- endfor -%}
{% endmacro %}


{# The paths of sources at which no row has a key, if there are rows. Most are found in the first hundred. #}
{% macro paths_without_key(sources, rows, is_json) %}
    {%- set paths, types = [], [] -%}
    {%- for source in sources if source and 'path' in source and source['path'] not in paths -%}
        {%- do paths.append(source['path']) -%}
        {%- do types.append('count(' ~ dwell.json_type_at(source['path'], is_json) ~ ')') -%}
    {%- endfor -%}
    {%- for limit in [' limit 100', ''] if paths -%}
        {%- set counts = run_query(
            'select count(*), ' ~ types | join(', ') ~ ' from (select * from ' ~ rows ~ limit ~ ') as found_rows'
        ).rows[0].values() -%}
        {%- if 0 not in counts[1:] or not counts[0] -%}{{- return([]) -}}{%- endif -%}
        {%- if not limit -%}
            {%- set absent = [] -%}
            {%- for path in paths -%}{%- if not counts[loop.index] -%}{%- do absent.append(path) -%}{%- endif -%}{%- endfor -%}
            {{- return(absent) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return([]) -}}
{% endmacro %}


{# SQL: the type of what is at a path; null where there is no such key. #}
{% macro json_type_at(path, is_json) -%}
    {%- if is_json -%}{{- return('json_type(json, ' ~ dwell.text(dwell.json_pointer(path)) ~ ')') -}}{%- endif -%}
    {{- return(adapter.dispatch('json_type_at', 'dwell')(dwell.quoted(path[0]), path[1:])) -}}
{%- endmacro %}

{% macro duckdb__json_type_at(column, keys) -%}
    json_type({{ dwell.duckdb__as_json(column) }}, {{ dwell.text(dwell.json_pointer(keys)) }})
{%- endmacro %}

{# value_at_path raises the error #}
{% macro default__json_type_at(column, keys) -%}
    {{ dwell.value_at_path(column, keys) }}
{%- endmacro %}


{# The names of the columns that sources read, each once. #}
{% macro columns_read(mapped) %}
    {%- set names = [] -%}
    {%- for source in mapped.values() if source -%}
        {%- set name = source['column'] or (source['path'] or []) | first -%}
        {%- if name and name not in names -%}{%- do names.append(name) -%}{%- endif -%}
    {%- endfor -%}
    {{- return(names) -}}
{% endmacro %}


{# SQL: the value of a source in a table with columns. A column keeps its type, a value within one is text. #}
{% macro value_of_source(source) -%}
    {%- if source is none -%}
        {{- return('null') -}}
    {%- elif 'value' in source -%}
        {{- return('null' if source['value'] is none else dwell.text(source['value'])) -}}
    {%- elif 'column' in source -%}
        {{- return(dwell.quoted(source['column'])) -}}
    {%- endif -%}
    {{- return(dwell.value_at_path(dwell.quoted(source['path'][0]), source['path'][1:])) -}}
{%- endmacro %}


{# SQL: the text at a path within a column that holds JSON, a struct, or JSON as text; null where there is no value, or an
   object or a list. #}
{% macro value_at_path(column, keys) -%}
    {{- return(adapter.dispatch('value_at_path', 'dwell')(column, keys)) -}}
{%- endmacro %}

{% macro duckdb__value_at_path(column, keys) -%}
    {%- set json = dwell.duckdb__as_json(column) -%}
    {%- set path = dwell.text(dwell.json_pointer(keys)) -%}
    case
        when json_type({{ json }}, {{ path }}) not in ('OBJECT', 'ARRAY') then json_extract_string({{ json }}, {{ path }})
    end
{%- endmacro %}

{% macro duckdb__as_json(column) -%}
    case when typeof({{ column }}) = 'VARCHAR' then try_cast({{ column }} as json) else to_json({{ column }}) end
{%- endmacro %}

{% macro default__value_at_path(column, keys) -%}
    {%- do dwell.raise_error(
        'a path within a column, as ' ~ keys | join('.') ~ ' in ' ~ column ~ ', is read on DuckDB only. Make a view with that value as a '
        ~ 'column of its own, and name the view in the setting.'
    ) -%}
{%- endmacro %}


{# A JSON pointer (RFC 6901): any key can be written in it. #}
{% macro json_pointer(keys) -%}
    {%- set parts = [] -%}
    {%- for key in keys -%}{%- do parts.append('/' ~ key | replace('~', '~0') | replace('/', '~1')) -%}{%- endfor -%}
    {{- return(parts | join) -}}
{%- endmacro %}
