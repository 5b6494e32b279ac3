{# Detects the layout of a file, so that it is read exactly as it is written. #}

{# How a file is to be read: {format, columns, ...}; the same text for all files that are read alike. #}
{% macro detect_layout(input, name, size_bytes) %}
    {%- set kind = modules.re.search('\\.(csv|tsv|txt|parquet|json|jsonl|ndjson)(\\.gz|\\.gzip|\\.zst)?$', name | lower) -%}
    {%- set kind = input.format or (kind.group(1) if kind else none) -%}
    {%- if size_bytes == 0 -%}
        {%- do dwell.raise_error(name ~ ' is empty: not even a header. Remove it, or write its ' ~ input.name ~ '.') -%}
    {%- endif -%}
    {%- set encoding = input.csv.get('encoding') if kind in ('csv', 'tsv', 'txt') else none -%}
    {%- set start = dwell.start_of_file(name, kind, encoding) -%}
    {%- if start in ('not text', none) and not encoding and kind in ('csv', 'tsv', 'txt')
        and '\x00' in (dwell.first_line(name, '\x03', where='where line is not null') or '') -%}
        {%- set encoding = dwell.encoding_by_mark(name) -%}
        {%- if encoding -%}{%- set start = dwell.start_of_file(name, kind, encoding) -%}{%- endif -%}
    {%- endif -%}
    {%- if start == 'not packed' -%}{%- set start = 'not text' -%}{%- endif -%}
    {%- if kind == 'parquet' and start in ('PAR1', 'not text', none) -%}
        {{- return(dwell.detect_parquet_layout(input, name)) -}}
    {%- elif kind in ('json', 'jsonl', 'ndjson') and start != 'not text' -%}
        {{- return(dwell.detect_json_layout(input, name, size_bytes, start | trim if start else '[', kind)) -}}
    {%- elif kind in ('csv', 'tsv', 'txt') and start not in ('not text', none) -%}
        {{- return(dwell.detect_csv_layout(input, name, start, encoding)) -}}
    {%- endif -%}
    {%- do dwell.raise_error(
        name ~ ' is no CSV, Parquet or JSON file that dwell can read. Its name must end in .csv, .tsv, '
        ~ '.txt, .parquet, .json, .jsonl or .ndjson (text also with .gz, .gzip or .zst), and its content must be that. For another name, set '
        ~ input.name ~ '_format, for text that is no UTF-8 ' ~ input.name ~ '_csv, as in {encoding: latin-1}.'
    ) -%}
{% endmacro %}


{# The first line that can be read: UTF-8, and no longer than 2 MB; none where there is no such line. It
   ends at a byte that no text has: Parquet has its mark before the first \x15, a zip file before the
   first \x03, and gzip and zstd have nothing before theirs. In Parquet, the first line that can be read
   may be anywhere, so that only text speaks against it. #}
{% macro start_of_file(name, kind, encoding=none) %}
    {%- set packed = {'.gz': '\x1f', '.zst': '('}.get(modules.re.sub('.*[.]', '.', name | lower)) -%}
    {%- if kind is none -%}
        {{- return('not text') -}}
    {%- elif packed and dwell.first_line(name, packed, "compression = 'none'") is not none -%}
        {{- return('not packed') -}}
    {%- elif kind == 'parquet' and dwell.first_line(name, '\x15') == 'PAR1' -%}
        {{- return('PAR1') -}}
    {%- endif -%}
    {%- set line = dwell.first_line(name, '\x03', dwell.encoding_option(encoding), 'where line is not null') -%}
    {{- return('not text' if modules.re.search('^PK$|[\x00-\x08\x0e-\x1f]', line or '') else line) -}}
{% endmacro %}


{% macro first_line(name, end, options=none, where='') %}
    {%- set extra = ['ignore_errors = true', options] | select | join(', ') -%}
    {%- set lines = dwell.query_file(
        name, run_query, 'select line from ' ~ dwell.read_lines([name], extra, end) ~ ' ' ~ where ~ ' limit 1'
    ).columns[0].values() -%}
    {{- return(lines[0] if lines else none) -}}
{% endmacro %}


{# UTF-16 begins with a mark, which is no UTF-8, and every other byte of it is zero where it is Latin. #}
{% macro encoding_by_mark(name) %}
    {%- set line = dwell.first_line(name, '\x03', dwell.encoding_option('utf-16')) or '' -%}
    {%- if line.startswith('\ufffe') -%}
        {%- do dwell.raise_error(name ~ ' is UTF-16 with the high byte first, which DuckDB does not read. Write it as UTF-8, as in iconv -f UTF-16 -t UTF-8.') -%}
    {%- endif -%}
    {#- with its bytes the other way round, nothing of it is Latin -#}
    {{- return('utf-16' if modules.re.search('[ -~]', line) else none) -}}
{% endmacro %}

{% macro encoding_option(encoding) %}
    {{- return('encoding = ' ~ dwell.text(encoding) if encoding else none) -}}
{% endmacro %}


{# first_line: the first line that can be read. The settings events_csv and heartbeats_csv override what is detected. A first
   line sep=;, as Excel writes it, names the delimiter. #}
{% macro detect_csv_layout(input, name, first_line, encoding) %}
    {%- set given = input.csv -%}
    {%- set separator = modules.re.match('sep=(.)\r?$', first_line) -%}
    {%- set skip = given.get('skip', 1 if separator else 0) -%}
    {%- set options = [dwell.encoding_option(encoding), 'skip = ' ~ skip if skip else none] | select | join(', ') -%}
    {%- set line = dwell.header_text(name, options) -%}
    {%- if line is none -%}
        {%- do dwell.raise_error(
            name ~ ' begins with an empty line, or with one that is no UTF-8, where its header should be. Take that line out, or set '
            ~ input.name ~ '_csv, as in {skip: 1} or {encoding: latin-1}.'
        ) -%}
    {%- endif -%}
    {%- set ns = namespace(delimiter=',', most=0) -%}
    {#- a delimiter in quotes is none -#}
    {%- set unquoted = modules.re.sub('"[^"]*"', '', line) -%}
    {%- for delimiter in [',', ';', '\t', '|'] if unquoted.count(delimiter) > ns.most -%}
        {%- set ns.delimiter, ns.most = delimiter, unquoted.count(delimiter) -%}
    {%- endfor -%}
    {%- set delimiter = given.get('delim', separator.group(1) if separator else ns.delimiter) -%}
    {%- set names = given.get('names') -%}
    {%- set header = names or dwell.csv_header(name, delimiter, unquoted.count(delimiter) + 1, options, given.get('header', true)) -%}
    {%- set layout = {
        'format': 'csv', 'delimiter': delimiter, 'columns': dwell.each_once(header), 'options': options,
        'header': given.get('header', not names), 'skip': skip, 'compression': dwell.compression_of([name]),
    } -%}
    {%- set rows = dwell.rows_of_file(name, layout) -%}
    {%- set mapped = dwell.query_file(name, dwell.map_columns_and_paths, input, header, name, rows, false, dwell.folder_keys(name)) -%}
    {%- if mapped is string -%}{%- do dwell.raise_error(mapped) -%}{%- endif -%}
    {%- set kinds = {} -%}
    {%- for column in input.times -%}
        {%- do kinds.update({column: dwell.query_file(
            name, dwell.time_kind_of_values, input, 'select ' ~ dwell.value_of_source(mapped[column]) ~ ' as time_text from ' ~ rows
        )}) -%}
    {%- endfor -%}
    {%- do layout.update({'mapped': mapped, 'times': kinds}) -%}
    {{- return(layout) -}}
{% endmacro %}


{# The first line, and those after it that a quote in it goes on to; none where it cannot be read. #}
{% macro header_text(name, options) %}
    {%- set lines = dwell.query_file(
        name, run_query, 'select line from ' ~ dwell.read_lines([name], ['ignore_errors = true, parallel = false', options] | select | join(', '), '\x03')
        ~ ' limit 100'
    ).columns[0].values() -%}
    {%- if not lines or lines[0] is none -%}{{- return(none) -}}{%- endif -%}
    {%- set header = namespace(text=lines[0]) -%}
    {%- for line in lines[1:] if header.text.count('"') % 2 -%}{%- set header.text = header.text ~ '\n' ~ (line or '') -%}{%- endfor -%}
    {#- a quote that never ends is none -#}
    {{- return(lines[0] if header.text.count('"') % 2 else header.text) -}}
{% endmacro %}


{# The names of the columns: the header, read as a row; without one column0, column1, ... #}
{% macro csv_header(name, delimiter, most, options, has_header) %}
    {%- set numbered = [] -%}
    {%- for number in range(most) -%}{%- do numbered.append('column' ~ number) -%}{%- endfor -%}
    {%- set header = dwell.query_file(name, run_query, 'from ' ~ dwell.read_csv(
        [name], {'columns': numbered, 'delimiter': delimiter, 'header': false, 'options': options},
        'ignore_errors = true, strict_mode = false, null_padding = true, parallel = false'
    ) ~ ' limit 1').rows -%}
    {%- if not has_header -%}{{- return(numbered) -}}{%- endif -%}
    {%- set columns = [] -%}
    {%- for cell in header[0].values() if header -%}{%- do columns.append(cell or 'column' ~ loop.index0) -%}{%- endfor -%}
    {{- return(columns) -}}
{% endmacro %}


{# Of columns of one name, the first keeps it. #}
{% macro each_once(names) %}
    {%- set columns = [] -%}
    {%- set taken = [] -%}
    {%- for name in names -%}
        {%- do columns.append(name ~ '_' ~ loop.index0 if name | trim | lower in taken else name) -%}
        {%- do taken.append(name | trim | lower) -%}
    {%- endfor -%}
    {{- return(columns) -}}
{% endmacro %}


{% macro detect_parquet_layout(input, name) %}
    {%- set types = {} -%}
    {%- for row in dwell.query_file(name, run_query, 'describe from ' ~ dwell.read_parquet([name])).rows -%}
        {%- do types.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {%- if input.has_offsets and dwell.is_landing_file(types) -%}
        {{- return(dwell.landing_layout(input)) -}}
    {%- endif -%}
    {%- set mapped = dwell.query_file(
        name, dwell.map_columns_and_paths, input, types.keys() | list, name, dwell.read_parquet([name]), false, dwell.folder_keys(name)
    ) -%}
    {%- if mapped is string -%}{%- do dwell.raise_error(mapped) -%}{%- endif -%}
    {%- set read_types = {} -%}
    {%- for column in dwell.columns_read(mapped) -%}
        {%- if {'column': column} in mapped.values() and modules.re.search('^(STRUCT|MAP|UNION)[(]|]$', types[column]) -%}
            {%- do dwell.raise_error(
                name ~ ' has ' ~ types[column] ~ ' in the column ' ~ column ~ ', where a value should be. Write text, numbers '
                ~ 'or times there, or name a value within it in ' ~ input.name ~ '_columns, as in '
                ~ column ~ '.key.'
            ) -%}
        {%- endif -%}
        {%- do read_types.update({column: types[column]}) -%}
    {%- endfor -%}
    {%- for column in input.ids if types[(mapped[column] or {}).get('column')] in ('DOUBLE', 'FLOAT') -%}
        {%- set theirs = mapped[column]['column'] -%}
        {%- if dwell.query_file(
            name, run_query, 'select 1 from ' ~ dwell.read_parquet([name]) ~ ' where isfinite(' ~ dwell.quoted(theirs) ~ ') and abs(' ~ dwell.quoted(theirs) ~ ') >= '
            ~ {'DOUBLE': 9007199254740992, 'FLOAT': 16777216}[types[theirs]] ~ ' limit 1'
        ).rows -%}
            {%- do dwell.raise_error(
                name ~ ' has ids in the column ' ~ theirs ~ ', which is ' ~ types[theirs] ~ ', that are too long for it: several ids have '
                ~ 'become one number. Write them as text or as whole numbers (in pandas, dtype "string" or "Int64").'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return({
        'format': 'parquet',
        'mapped': mapped,
        'types': read_types,
        'times': dwell.query_file(
            name, dwell.time_kinds, input, mapped, types, dwell.rows_of_file(name, {'format': 'parquet'})
        ),
    }) -}}
{% endmacro %}


{# JSON lines are read as lines, so that a broken line is one reject. An array, or objects that span lines, are read as JSON. #}
{% macro detect_json_layout(input, name, size_bytes, first_line, kind) %}
    {%- set is_lines = not first_line.startswith('[') and (
        kind != 'json'
        or run_query('select json_valid(' ~ dwell.text(first_line) ~ ')').columns[0].values()[0]
    ) -%}
    {%- set layout = {
        'format': 'json_lines' if is_lines and not input.json.get('rows')
            else ('json_array' if first_line.startswith('[') else 'json_objects'),
        'rows': input.json.get('rows'),
        'compression': dwell.compression_of([name]),
    } -%}
    {%- set objects = dwell.rows_of_file(name, layout) -%}
    {%- set keys = dwell.query_file(name, dwell.json_keys_of, objects, 'limit 100') -%}
    {%- set folders = dwell.folder_keys(name) -%}
    {%- if dwell.map_columns(input, keys, name, true, folders) is string -%}
        {#- a key that few objects have -#}
        {%- set keys = dwell.query_file(name, dwell.json_keys_of, objects, '') -%}
    {%- endif -%}
    {%- set mapped = dwell.query_file(name, dwell.map_columns_and_paths, input, keys, name, objects, true, folders) -%}
    {%- if mapped is string -%}
        {%- set lists = dwell.query_file(name, dwell.json_lists_of, objects) -%}
        {%- do dwell.raise_error(mapped ~ (
            ' If its rows are in the list ' ~ lists[0] ~ ', set ' ~ input.name ~ '_json: {rows: ' ~ lists[0] ~ '}.' if lists else ''
        )) -%}
    {%- endif -%}
    {%- if layout['format'] == 'json_array' -%}{%- do dwell.refuse_open_array(name, size_bytes) -%}{%- endif -%}
    {%- set kinds = {} -%}
    {%- for column in input.times -%}
        {%- do kinds.update({column: dwell.query_file(
            name, dwell.time_kind_of_values, input, 'select ' ~ dwell.value_in_json('json', mapped, mapped[column]) ~ ' as time_text from ' ~ objects
        )}) -%}
    {%- endfor -%}
    {%- do layout.update({'mapped': mapped, 'times': kinds}) -%}
    {{- return(layout) -}}
{% endmacro %}


{# DuckDB accepts an array that is truncated after a comma. This checks the end of the file, or, if the file is compressed,
   its last line. It does not check an uncompressed file of a gigabyte or more, which would have to be held in memory. #}
{% macro refuse_open_array(name, size_bytes) %}
    {%- if modules.re.search('[.](gz|gzip|zst)$', name | lower) -%}
        {%- set end = 'select cast(encode(last(line)) as varchar) as tail from '
            ~ dwell.read_lines([name], 'ignore_errors = true, parallel = false') ~ " where trim(line) <> ''" -%}
    {%- elif size_bytes < 1000000000 -%}
        {%- set end = 'select cast(content[-1000:] as varchar) as tail from read_blob(' ~ dwell.file_list([name]) ~ ')' -%}
    {%- endif -%}
    {%- if end and dwell.query_file(
        name, run_query, "select 1 from (" ~ end ~ ") as file where not regexp_matches(tail, '\\](\\\\x0[9AD]| )*$')"
    ).rows -%}
        {%- do dwell.raise_error(dwell.cannot_be_read(name)) -%}
    {%- endif -%}
{% endmacro %}


{# The keys that hold a list. #}
{% macro json_lists_of(objects) %}
    {{- return(run_query(
        'select distinct key from (select unnest(json_keys(json)) as key, json from (select json from ' ~ objects
        ~ " limit 100) as objects where json_type(json) = 'OBJECT') as keyed"
        ~ " where json_type(json, '/' || replace(replace(key, '~', '~0'), '/', '~1')) = 'ARRAY' order by key"
    ).columns[0].values() | list) -}}
{% endmacro %}


{% macro json_keys_of(objects, limit) %}
    {{- return(run_query(
        'select distinct unnest(json_keys(json)) as key from (select json from ' ~ objects
        ~ " where json_type(json) = 'OBJECT' " ~ limit ~ ') as read order by key'
    ).columns[0].values() | list) -}}
{% endmacro %}


{# Whether most of the first hundred times of a file are later than its time of modification, which zip, git and object
   stores do not keep: then that is not when it was received. #}
{% macro is_older_than_its_events(input, layout, file) %}
    {%- if layout['format'] == 'landing' or input.received_at or file['modified_at'] is none -%}{{- return(false) -}}{%- endif -%}
    {%- set column = input.times[0] -%}
    {%- set is_json = layout['format'].startswith('json') -%}
    {%- set value = dwell.value_in_json('json', layout['mapped'], layout['mapped'][column]) if is_json
        else dwell.value_of_source(layout['mapped'][column]) -%}
    {{- return(dwell.query_file(
        file['name'], run_query,
        'select count(case when time > ' ~ dwell.latest_believed(dwell.timestamp_or_null(file['modified_at'])) ~ ' then 1 end) * 2 > count(time) '
        ~ 'from (select ' ~ dwell.parse_time('time_text', layout['times'][column]) ~ ' as time from (select ' ~ value ~ ' as time_text from '
        ~ dwell.rows_of_file(file['name'], layout) ~ ' limit 100) as sampled) as times'
    ).columns[0].values()[0]) -}}
{% endmacro %}


{# SQL: the rows of a file, as far as they can be read; in JSON, each is an object, json. #}
{% macro rows_of_file(name, layout) -%}
    {%- if layout['format'] == 'parquet' -%}
        {{- dwell.read_parquet([name]) -}}
    {%- elif layout['format'] == 'csv' -%}
        {{- dwell.read_csv([name], layout, 'ignore_errors = true, parallel = false') -}}
    {%- else -%}
        (select try_cast(json as json) as json from {{ dwell.read_json([name], layout, 'ignore_errors = true') }} as read) as objects
    {%- endif -%}
{%- endmacro %}
