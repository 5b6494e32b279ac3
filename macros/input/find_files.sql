{# The files that an input's path names: find, compare with what was loaded, look at each new one, read. #}

{# Every file that the path names now, in the temporary table dwell_files: name, size_bytes, modified_at. There may be
   thousands that are loaded already, so that only those with which something is to be done come to Jinja. #}
{% macro find_files(input) %}
    {%- set named = [] -%}
    {%- for path in dwell.as_list(input.path) -%}
        {%- set findable = dwell.findable(path) -%}
        {%- set found = try_or_compiler_error(
            'dwell: ' ~ input.name ~ '_path cannot be looked into: ' ~ path ~ '. Give a path that this machine can '
            ~ 'reach; s3:// and https:// need DuckDB\'s httpfs, which the target s3 has.',
            run_query, 'select 1 from glob(' ~ dwell.text(findable) ~ ') limit 1'
        ) -%}
        {%- if found.rows -%}
            {%- do named.append(findable) -%}
        {%- elif not dwell.has_loaded(input, path) -%}
            {%- do dwell.stop(
                input.name ~ '_path names no file: ' ~ path ~ '. Give the path of a file that exists, or a glob '
                ~ 'that matches one; a folder needs a glob, as in data/*.csv.'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do try_or_compiler_error(
        'dwell: ' ~ input.name ~ '_path names a file that this user may not open: ' ~ dwell.some_of(named)
        ~ '. Let it be read, or leave it out.',
        run_query,
        'create or replace temporary table dwell_files as select distinct filename as name, size as size_bytes, '
        ~ 'cast(last_modified as timestamp) as modified_at from '
        ~ ('read_blob(' ~ dwell.sql_list(named) ~ ')' if named
            else "(select '' as filename, 0 as size, null as last_modified) where false")
    ) -%}
    {%- do dwell.refuse_two_names_of_a_file(input) -%}
{% endmacro %}


{# On object storage, DuckDB looks whether a file is there only if it has to find it: the last letter becomes a
   glob. #}
{% macro findable(path) %}
    {%- if modules.re.match('(s3|s3a|s3n|gs|gcs|r2)://[^*?[]+$', path) -%}
        {{- return(path[:-1] ~ '[' ~ path[-1] ~ ']') -}}
    {%- endif -%}
    {{- return(path) -}}
{% endmacro %}


{# Whether a path or glob has named a file that was loaded: what is gone since then is not missed. #}
{% macro has_loaded(input, path) %}
    {{- return(run_query(
        'select 1 from ' ~ dwell.loads(input) ~ ' where size_bytes is not null and (source = '
        ~ dwell.text(path) ~ ' or source glob ' ~ dwell.text(path) ~ ') limit 1'
    ).rows | length > 0) -}}
{% endmacro %}


{# Writes down the files that no run has loaded, and how each is to be read, in the table input.incoming:
   what is read and counted are just these. #}
{% macro prepare_incoming_files(input, from_scratch) %}
    {%- do dwell.find_files(input) -%}
    {%- do dwell.find_missing_files(input) -%}
    {%- if not from_scratch -%}
        {%- do dwell.refuse_changed_files(input) -%}
        {%- do dwell.refuse_other_names(input) -%}
        {%- do dwell.forget_gone_files(input) -%}
    {%- endif -%}
    {%- set last_number = 0 if from_scratch else dwell.last_source_number(input) -%}
    {%- set values = [] -%}
    {%- for file in dwell.new_files(input, from_scratch) -%}
        {%- do values.append('(' ~ [
            last_number + loop.index,
            dwell.text(file['name']),
            file['size_bytes'],
            dwell.timestamp_or_null(file['modified_at']),
            dwell.text(tojson(dwell.look_at_file(input, file['name'], file['size_bytes']))),
            'false',
            'null',
            'null'
        ] | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- do run_query(dwell.create_incoming(input)) -%}
    {%- if values -%}
        {%- do run_query('insert into ' ~ dwell.own_table(input.incoming) ~ ' values ' ~ values | join(', ')) -%}
    {%- endif -%}
    {%- if input.has_places -%}{%- do dwell.prepare_stretches(input, from_scratch) -%}{%- endif -%}
    {%- if from_scratch -%}{%- do dwell.refuse_to_lose(input) -%}{%- endif -%}
{% endmacro %}


{% macro new_files(input, from_scratch) %}
    {{- return(run_query(
        'select * from dwell_files'
        ~ (' where name not in (' ~ dwell.loaded_names(input) ~ ')' if not from_scratch else '')
        ~ ' order by modified_at, name'
    ).rows) -}}
{% endmacro %}


{% macro loaded_names(input) -%}
    select source from {{ dwell.loads(input) }} where size_bytes is not null
{%- endmacro %}


{# {layout: [incoming files]}: files that are read alike are read together. #}
{% macro incoming_file_groups(input) %}
    {%- set groups = {} -%}
    {%- for file in run_query(
        'select * from ' ~ dwell.own_table(input.incoming) ~ ' where not is_known order by source_number'
    ).rows -%}
        {%- do groups.setdefault(file['layout'], []).append(file) -%}
    {%- endfor -%}
    {{- return(groups) -}}
{% endmacro %}


{# How a file is to be read: {format, columns, ...}; the same text for all files that are read alike. #}
{% macro look_at_file(input, name, size_bytes) %}
    {%- set kind = modules.re.search('\\.(csv|tsv|txt|parquet|json|jsonl|ndjson)(\\.gz|\\.zst)?$', name | lower) -%}
    {%- set kind = kind.group(1) if kind else none -%}
    {%- if size_bytes == 0 -%}
        {%- do dwell.stop(name ~ ' is empty: not even a header. Remove it, or write its ' ~ input.name ~ '.') -%}
    {%- endif -%}
    {%- set start = dwell.start_of_file(name, kind) -%}
    {%- if kind == 'parquet' and start in ('PAR1', 'not text', none) -%}
        {{- return(dwell.look_at_parquet(input, name)) -}}
    {%- elif kind in ('json', 'jsonl', 'ndjson') and start != 'not text' -%}
        {{- return(dwell.look_at_json(input, name, size_bytes, start | trim if start else '[', kind)) -}}
    {%- elif kind in ('csv', 'tsv', 'txt') and start not in ('not text', none) -%}
        {{- return(dwell.look_at_csv(input, name, start)) -}}
    {%- endif -%}
    {%- do dwell.stop(
        name ~ ' is no CSV, Parquet or JSON file that dwell can read. Its name must end in .csv, .tsv, '
        ~ '.txt, .parquet, .json, .jsonl or .ndjson (text also with .gz or .zst), and its content must be that.'
    ) -%}
{% endmacro %}


{# The first line that can be read: UTF-8, and no longer than 2 MB; none where there is no such line. It
   ends at a byte that no text has: Parquet has its mark before the first \x15, a zip file before the
   first \x03, and gzip and zstd have nothing before theirs. In Parquet, the first line that can be read
   may be anywhere, so that only text speaks against it. #}
{% macro start_of_file(name, kind) %}
    {%- set packed = {'.gz': '\x1f', '.zst': '('}.get(modules.re.sub('.*[.]', '.', name | lower)) -%}
    {%- if kind is none
        or (packed and dwell.first_line(name, packed, "compression = 'none'") is not none) -%}
        {{- return('not text') -}}
    {%- elif kind == 'parquet' and dwell.first_line(name, '\x15') == 'PAR1' -%}
        {{- return('PAR1') -}}
    {%- endif -%}
    {%- set line = dwell.first_line(name, '\x03', where='where line is not null') -%}
    {{- return('not text' if modules.re.search('^PK$|[\x00-\x08\x0e-\x1f]', line or '') else line) -}}
{% endmacro %}


{% macro first_line(name, end, options=none, where='') %}
    {%- set extra = ['ignore_errors = true', options] | select | join(', ') -%}
    {%- set lines = dwell.ask_of_file(
        name, run_query, 'select line from ' ~ dwell.read_lines([name], extra, end) ~ ' ' ~ where ~ ' limit 1'
    ).columns[0].values() -%}
    {{- return(lines[0] if lines else none) -}}
{% endmacro %}


{% macro look_at_csv(input, name, header) %}
    {%- set ns = namespace(delimiter=',', most=0) -%}
    {%- for delimiter in [',', ';', '\t', '|'] if header.count(delimiter) > ns.most -%}
        {%- set ns.delimiter, ns.most = delimiter, header.count(delimiter) -%}
    {%- endfor -%}
    {%- if dwell.first_line(name, '\x03') is none -%}
        {%- do dwell.stop(name ~ ' begins with an empty line, or with one that is no UTF-8, where its header should be. Take that line out.') -%}
    {%- endif -%}
    {%- set header = dwell.csv_header(name, ns.delimiter, ns.most + 1) -%}
    {%- set mapped = dwell.map_columns_or_stop(input, header, name) -%}
    {%- set columns = dwell.each_once(header) -%}
    {%- set layout = {'format': 'csv', 'delimiter': ns.delimiter, 'columns': columns, 'mapped': mapped} -%}
    {%- set rows = dwell.read_csv([name], layout, 'ignore_errors = true, parallel = false') -%}
    {%- set kinds = {} -%}
    {%- for column in input.times -%}
        {%- do kinds.update({column: dwell.ask_of_file(
            name, dwell.time_kind_of_values, input, 'select ' ~ dwell.quoted(mapped[column]) ~ ' as told_time from ' ~ rows
        )}) -%}
    {%- endfor -%}
    {%- do layout.update({'times': kinds}) -%}
    {{- return(layout) -}}
{% endmacro %}


{# The header, read as a row. #}
{% macro csv_header(name, delimiter, most) %}
    {%- set numbered = [] -%}
    {%- for number in range(most) -%}{%- do numbered.append('column' ~ number) -%}{%- endfor -%}
    {%- set header = dwell.ask_of_file(name, run_query, 'from ' ~ dwell.read_csv(
        [name], {'columns': numbered, 'delimiter': delimiter},
        'ignore_errors = true, strict_mode = false, null_padding = true, parallel = false', header=false
    ) ~ ' limit 1').rows -%}
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


{% macro look_at_parquet(input, name) %}
    {%- set types = {} -%}
    {%- for row in dwell.ask_of_file(name, run_query, 'describe from read_parquet(' ~ dwell.text(name) ~ ')').rows -%}
        {%- do types.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {%- if input.has_places and dwell.is_landing_file(types) -%}
        {{- return(dwell.landing_layout(input)) -}}
    {%- endif -%}
    {%- set mapped = dwell.map_columns_or_stop(input, types.keys() | list, name) -%}
    {%- set read_types = {} -%}
    {%- for column in mapped.values() if column is not none -%}
        {%- if modules.re.search('^(STRUCT|MAP|UNION)[(]|]$', types[column]) -%}
            {%- do dwell.stop(
                name ~ ' has ' ~ types[column] ~ ' in the column ' ~ column ~ ', where a value should be. Write text, numbers '
                ~ 'or times there, or name another column in ' ~ input.name ~ '_columns.'
            ) -%}
        {%- endif -%}
        {%- do read_types.update({column: types[column]}) -%}
    {%- endfor -%}
    {{- return({
        'format': 'parquet',
        'mapped': mapped,
        'types': read_types,
        'times': dwell.ask_of_file(
            name, dwell.time_kinds, input, mapped, types, 'read_parquet(' ~ dwell.text(name) ~ ')'
        ),
    }) -}}
{% endmacro %}


{# JSON in lines is read as lines, so that a broken line is one reject; an array or objects that
   stretch over lines are read whole. #}
{% macro look_at_json(input, name, size_bytes, first_line, kind) %}
    {%- set is_lines = not first_line.startswith('[') and (
        kind != 'json'
        or run_query('select json_valid(' ~ dwell.text(first_line) ~ ')').columns[0].values()[0]
    ) -%}
    {%- set layout = {
        'format': 'json_lines' if is_lines
            else ('json_array' if first_line.startswith('[') else 'json_objects'),
    } -%}
    {%- set objects = '(select try_cast(json as json) as json from '
        ~ dwell.read_json([name], layout, 'ignore_errors = true') ~ ' as read) as objects' -%}
    {%- set keys = dwell.ask_of_file(name, dwell.json_keys_of, objects, 'limit 100') -%}
    {%- if dwell.map_columns(input, keys, name) is string -%}
        {#- a key that few objects have -#}
        {%- set keys = dwell.ask_of_file(name, dwell.json_keys_of, objects, '') -%}
    {%- endif -%}
    {%- set mapped = dwell.map_columns_or_stop(input, keys, name) -%}
    {%- if layout['format'] == 'json_array' -%}{%- do dwell.refuse_open_array(name, size_bytes) -%}{%- endif -%}
    {%- set kinds = {} -%}
    {%- for column in input.times -%}
        {%- do kinds.update({column: dwell.ask_of_file(
            name, dwell.time_kind_of_values, input, 'select ' ~ dwell.json_text('json', mapped[column]) ~ ' as told_time from ' ~ objects
        )}) -%}
    {%- endfor -%}
    {%- do layout.update({'mapped': mapped, 'times': kinds}) -%}
    {{- return(layout) -}}
{% endmacro %}


{# DuckDB takes an array for whole that breaks off after a comma. What is looked at is the end of the file, or, where it
   is packed, the last line; an end that would have to be held in memory with a gigabyte before it is not. #}
{% macro refuse_open_array(name, size_bytes) %}
    {%- if modules.re.search('[.](gz|zst)$', name | lower) -%}
        {%- set end = 'select cast(encode(last(line)) as varchar) as tail from '
            ~ dwell.read_lines([name], 'ignore_errors = true, parallel = false') ~ " where trim(line) <> ''" -%}
    {%- elif size_bytes < 1000000000 -%}
        {%- set end = 'select cast(content[-1000:] as varchar) as tail from read_blob(' ~ dwell.text(name) ~ ')' -%}
    {%- endif -%}
    {%- if end and dwell.ask_of_file(
        name, run_query, "select 1 from (" ~ end ~ ") as file where not regexp_matches(tail, '\\](\\\\x0[9AD]| )*$')"
    ).rows -%}
        {%- do dwell.stop(dwell.cannot_be_read(name)) -%}
    {%- endif -%}
{% endmacro %}


{% macro json_keys_of(objects, limit) %}
    {{- return(run_query(
        'select distinct unnest(json_keys(json)) as key from (select json from ' ~ objects
        ~ " where json_type(json) = 'OBJECT' " ~ limit ~ ') as read order by key'
    ).columns[0].values() | list) -}}
{% endmacro %}
