{# DuckDB's functions that read files, with the exact layout of a file: DuckDB detects nothing while events are read. #}

{% macro sql_list(values) -%}
    [{% for value in values %}{{ dwell.text(value) }}{{ ', ' if not loop.last }}{% endfor %}]
{%- endmacro %}


{# Names of files for DuckDB's functions, which take a list of patterns. The special characters of a pattern are escaped in a
   name. A web address is no pattern. #}
{% macro file_list(names) -%}
    {%- set patterns = [] -%}
    {%- for name in names -%}{%- do patterns.append(dwell.name_as_pattern(name)) -%}{%- endfor -%}
    {{- dwell.sql_list(patterns) -}}
{%- endmacro %}

{% macro name_as_pattern(name) -%}
    {{- return(name if modules.re.match('https?://', name) else modules.re.sub('([*?[])', '[\\1]', name)) -}}
{%- endmacro %}


{# DuckDB knows .gz and .zst by the name. Files of a group are compressed alike. #}
{% macro compression_of(names) -%}
    {{- return(", compression = 'gzip'" if (names[0] | lower).endswith('.gzip') else '') -}}
{%- endmacro %}


{% macro timestamp_or_null(value) -%}
    {%- if value is none -%}cast(null as timestamp){%- else -%}cast({{ dwell.text(value) }} as timestamp){%- endif -%}
{%- endmacro %}


{% macro read_csv(names, layout, extra='') -%}
    read_csv(
        {{ dwell.file_list(names) }}, auto_detect = false, hive_partitioning = false, header = {{ layout['header'] }}, delim = {{ dwell.text(layout['delimiter']) }},
        quote = '"', escape = '"', columns = { {%- for column in layout['columns'] -%}
            {{ dwell.text(column) }}: 'varchar'{{ ', ' if not loop.last }}
        {%- endfor -%} }
        {{- ', ' ~ layout['options'] if layout['options'] }}
        {{- ', ' ~ extra if extra }}
        {{- dwell.compression_of(names) }})
{%- endmacro %}


{# Each line of a text file as one column: the delimiter is a character that no text has. Without
   quotes there is nothing to be strict about but line ends, which may be mixed. #}
{% macro read_lines(names, extra='', delimiter='\x01') -%}
    read_csv(
        {{ dwell.file_list(names) }}, auto_detect = false, hive_partitioning = false, header = false, delim = '{{ delimiter }}', quote = '', escape = '',
        strict_mode = false, columns = {'line': 'varchar'}
        {{- ', ' ~ extra if extra }}
        {{- dwell.compression_of(names) }})
{%- endmacro %}


{# The name of a folder is no column of the file. #}
{% macro read_parquet(names) -%}
    read_parquet({{ dwell.file_list(names) }}, hive_partitioning = false)
{%- endmacro %}


{# One column, json, which is null for an empty line, and the file that it is from. Where the rows are in a list within
   an object, one that has no such list is a row, which cannot be read. #}
{% macro read_json(names, layout, extra='') -%}
    {%- if layout['rows'] -%}
        {%- set rows = 'json_extract(json, ' ~ dwell.text(dwell.json_pointer(layout['rows'].split('.'))) ~ ')' -%}
        (select unnest(case when json_type({{ rows }}) = 'ARRAY' then json_extract({{ rows }}, '$[*]') else [to_json(cast(json as varchar))] end) as json, file_index
        from read_json_objects({{ dwell.file_list(names) }}, format = 'auto', maximum_object_size = {{ dwell.largest_wrapper() }} {{- dwell.compression_of(names) }}))
    {%- elif layout['format'] == 'json_lines' -%}
        (select line as json, file_index from {{ dwell.read_lines(names, extra) }})
    {%- else -%}
        (select json, file_index from read_json_objects(
            {{ dwell.file_list(names) }}, format = '{{ 'array' if layout['format'] == 'json_array' else 'unstructured' }}' {{- dwell.compression_of(names) }}))
    {%- endif -%}
{%- endmacro %}


{# Bytes of an object that holds the rows of a file. DuckDB keeps room for two of this size on each thread. #}
{% macro largest_wrapper() %}
    {{- return(67108864) -}}
{% endmacro %}


{# Whether DuckDB skips broken rows, and reports them in the table broken_rows. #}
{% macro reports_broken_rows(layout) %}
    {{- return(layout['format'] in ('csv', 'json_lines')) -}}
{% endmacro %}


{# One group of files as rows, with the input's columns as text, the parsed times, and the position of each row:
   read_position counts the rows that DuckDB returns, over all files of the group, or in Parquet over each file. #}
{% macro read_files(input, layout, files) %}
    {%- set layout = fromjson(layout) -%}
    {%- set names = files | map(attribute='source') | list -%}
    {%- set mapped = layout['mapped'] -%}
    {#- after a broken quote, DuckDB 1.5.5 on several threads skips every row that follows -#}
    {%- set skip_options = "ignore_errors = true, parallel = coalesce(getvariable('dwell_nothing_is_broken'), false)"
        if dwell.reports_broken_rows(layout) else '' -%}
    {%- set is_json = layout['format'].startswith('json') -%}
    {%- set is_text = layout['format'] != 'parquet' -%}
    {%- set parts = {} -%}
    {%- for column in input.columns -%}
        {%- if is_json -%}
            {%- do parts.update({column: 'case when is_object then ' ~ dwell.value_in_json('json', mapped, mapped[column], 'fields') ~ ' end'}) -%}
        {%- else -%}
            {%- set value, type = dwell.value_of_source(mapped[column]), layout.get('types', {}).get((mapped[column] or {}).get('column')) -%}
            {#- Parquet may hold text that is not declared as text -#}
            {%- do parts.update({column: 'coalesce(try(decode(' ~ value ~ ')), cast(' ~ value ~ ' as varchar))' if type == 'BLOB' else value}) -%}
        {%- endif -%}
    {%- endfor -%}
select
    {%- for column in input.columns %}
    {%- if column in input.times and not is_text %}
    -- a typed time needs no text, unless it is no time
    case when {{ dwell.parsed_time_column(column) }} is null then cast({{ column }} as varchar) end as {{ column }},
    {%- else %}
    {{ column }},
    {%- endif %}
    {%- endfor %}
    {%- for column in input.times %}
    {{ dwell.parsed_time_column(column) }},
    {%- endfor %}
    cast({{ dwell.source_number_list(files) }}[cast(file_index as bigint) + 1] as integer) as source_number,
    {{ dwell.times_of_receipt(input, layout, files) }}[cast(file_index as bigint) + 1] as received_at,
    read_position,
    cast({{ 'case when not is_object then json end' if is_json else 'null' }} as varchar) as unreadable_row
    {{- ',\n    ' ~ dwell.offset_columns() if input.has_offsets }}
from (
    select
        *
        {%- for column, kind in layout['times'].items() %},
        {{ dwell.parse_time(column, kind) }} as {{ dwell.parsed_time_column(column) }}
        {%- endfor %}
    from (
        {%- if is_text %}
        -- one thread numbers the rows; all threads do the rest
        with numbered as materialized (
        {%- endif %}
        select
            {%- for column, expression in parts.items() %}
            {{ expression if column in input.times and not is_text else 'cast(' ~ expression ~ ' as varchar)' }} as {{ column }},
            {%- endfor %}
            {{ 'json, is_object,' if is_json }}
            file_index,
            {{ 'file_row_number + 1' if layout['format'] == 'parquet' else 'row_number() over ()' }} as read_position
        from
            {% if layout['format'] == 'parquet' -%}
                {{ dwell.read_parquet(names) }}
            {%- elif layout['format'] == 'csv' -%}
                {{ dwell.read_csv(names, layout, skip_options) }}
            {%- else -%}
                (
                    select
                        *,
                        {{ dwell.is_readable_json('try_cast(json as json)', mapped) | indent(24) }} as is_object,
                        json_extract_string(case when is_object then json end, {{ dwell.sql_list(dwell.json_pointers(mapped)) }}) as fields
                    from {{ dwell.read_json(names, layout, skip_options) }} as objects
                )
            {%- endif %} as file
        {%- if is_text %}
        )

        select * from numbered
        {%- endif %}
    ) as named
) as timed
{%- if is_json %}
where json is not null
{%- endif %}
{% endmacro %}


{# SQL: whether JSON is an object in which each field that is read is a value, and not an object or a list. If only one
   brace opens, and no list, this is known without reading the fields. #}
{% macro is_readable_json(json, mapped) -%}
    coalesce(
        case
            when starts_with({{ json }}, '{') and not contains({{ json }}, '[')
                and not contains(substring({{ json }}, 2), '{')
                then true
            else json_type({{ json }}) = 'OBJECT'
                {%- for nested in ['OBJECT', 'ARRAY'] %}
                and not list_contains(json_type({{ json }}, {{ dwell.sql_list(dwell.json_pointers(mapped)) }}), '{{ nested }}')
                {%- endfor %}
        end,
        false
    )
{%- endmacro %}


{# The JSON pointers of what is read of an object, each once. #}
{% macro json_pointers(mapped) %}
    {%- set pointers, sources = [], [] -%}
    {%- for source in mapped.values() if source -%}{%- do sources.extend(source.get('first_of', [source])) -%}{%- endfor -%}
    {%- for source in sources if 'value' not in source -%}
        {%- set pointer = dwell.json_pointer(source['path'] or [source['column']]) -%}
        {%- if pointer not in pointers -%}{%- do pointers.append(pointer) -%}{%- endif -%}
    {%- endfor -%}
    {{- return(pointers) -}}
{% endmacro %}


{# SQL: the text of a source in a JSON object. fields: the values at json_pointers(mapped), where they are read at once. #}
{% macro value_in_json(json, mapped, source, fields=none) -%}
    {%- if source and 'first_of' in source -%}
        {%- set values = [] -%}
        {%- for one in source['first_of'] -%}{%- do values.append(dwell.value_in_json(json, mapped, one, fields)) -%}{%- endfor -%}
        {{- return(values[0] if values | length == 1 else 'coalesce(' ~ values | join(', ') ~ ')') -}}
    {%- endif -%}
    {%- if source is none or 'value' in source -%}{{- return(dwell.value_of_source(source)) -}}{%- endif -%}
    {%- set pointer = dwell.json_pointer(source['path'] or [source['column']]) -%}
    {%- if fields -%}
        {{- return(fields ~ '[' ~ (dwell.json_pointers(mapped).index(pointer) + 1) ~ ']') -}}
    {%- endif -%}
    {{- return('json_extract_string(' ~ json ~ ', ' ~ dwell.text(pointer) ~ ')') -}}
{%- endmacro %}


{% macro source_number_list(files) -%}
    [{% for file in files %}{{ file['source_number'] }}{{ ', ' if not loop.last }}{% endfor %}]
{%- endmacro %}


{# When each file was received: the value of the setting, or the modification time, if it is plausible. #}
{% macro times_of_receipt(input, layout, files) -%}
    {%- set times = [] -%}
    {%- for file in files -%}
        {%- do times.append(
            dwell.latest_plausible_time() if layout.get('is_older_than_its_events') and not input.received_at
            else dwell.timestamp_or_null(input.received_at or file['modified_at'])
        ) -%}
    {%- endfor -%}
    [{{ times | join(', ') }}]
{%- endmacro %}


{# The table in which DuckDB reports broken rows. Each input has its own, because DuckDB keeps what it will write there for
   all connections by that name, and events and heartbeats may be loaded at the same time. #}
{% macro broken_rows(input) -%}
    dwell_broken_{{ input.name }}
{%- endmacro %}

{% macro broken_scans(input) -%}
    {{ dwell.broken_rows(input) }}_scans
{%- endmacro %}


{# How many rows each file of a group has, by a scan that does nothing else, and how many the numbering
   of read_position gives it. The columns that are read are counted too, or DuckDB would not check that
   they can be read. #}
{% macro count_files(input, layout, files) %}
    {%- set layout = fromjson(layout) -%}
    {%- set names = files | map(attribute='source') | list -%}
    {%- set rejects_options = "store_rejects = true, rejects_table = '" ~ dwell.broken_rows(input) ~ "', rejects_scan = '"
        ~ dwell.broken_scans(input) ~ "'" -%}
select
    {{ dwell.source_number_list(files) }}[cast(file_index as bigint) + 1] as source_number,
    {%- if layout['format'] in ('parquet', 'landing') %}
    count(*) as rows_read,
    0 as rows_numbered
from {{ dwell.read_parquet(names) }}
    {%- elif layout['format'] == 'csv' %}
    greatest(count(*)
        {%- for column in dwell.columns_read(layout['mapped']) %}, count({{ dwell.quoted(column) }}){% endfor -%}
    ) as rows_read,
    rows_read as rows_numbered
from {{ dwell.read_csv(names, layout, rejects_options) }}
    {%- else %}
    count(json) as rows_read,
    count(*) as rows_numbered
from {{ dwell.read_json(names, layout, rejects_options) }} as objects
    {%- endif %}
group by file_index
{% endmacro %}
