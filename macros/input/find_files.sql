{# The files that an input's path names: find, compare with what was loaded, look at each new one, read. #}

{# Rows with name, size_bytes and modified_at: every file that the path names now. #}
{% macro find_files(input) %}
    {%- set paths = dwell.as_list(input.path) -%}
    {%- set found = [] -%}
    {%- for path in paths -%}
        {%- set matches = dwell.files_at(path) -%}
        {%- if not matches and not dwell.has_loaded(input, path) -%}
            {%- do dwell.stop(
                input.name ~ '_path names no file: ' ~ path ~ '. Give the path of a file that exists, or a glob '
                ~ 'that matches one; a folder needs a glob, as in data/*.csv.'
            ) -%}
        {%- endif -%}
        {%- do found.extend(matches) -%}
    {%- endfor -%}
    {%- if not found -%}{{- return([]) -}}{%- endif -%}
    {%- set files = run_query(
        'select filename as name, size as size_bytes, cast(last_modified as timestamp) as modified_at '
        ~ 'from read_blob(' ~ dwell.sql_list(found | unique) ~ ') order by modified_at, name'
    ).rows -%}
    {%- do dwell.refuse_two_names_of_a_file(input, files) -%}
    {{- return(files) -}}
{% endmacro %}


{# a.csv, ./a.csv and /data/a.csv may be one file, and its rows must not count twice. #}
{% macro refuse_two_names_of_a_file(input, files) %}
    {%- set alike = {} -%}
    {%- for file in files -%}
        {%- set others = alike.setdefault((file['size_bytes'], file['modified_at'] | string), []) -%}
        {%- for other in others if dwell.may_be_one_file(other, file['name']) -%}
            {%- do dwell.stop(
                input.name ~ '_path names one file twice, as ' ~ other ~ ' and as ' ~ file['name']
                ~ '. Name it once, or its ' ~ input.name ~ ' would count twice.'
            ) -%}
        {%- endfor -%}
        {%- do others.append(file['name']) -%}
    {%- endfor -%}
{% endmacro %}


{% macro may_be_one_file(one, other) %}
    {%- set paths = [] -%}
    {%- for name in [one, other] -%}
        {%- do paths.append(modules.re.sub('^[.]/', '', modules.re.sub('/([.]?/)+', '/', name))) -%}
    {%- endfor -%}
    {%- set one, other = paths -%}
    {{- return(
        one == other
        or (one.startswith('/') and one.endswith('/' ~ other))
        or (other.startswith('/') and other.endswith('/' ~ one))
    ) -}}
{% endmacro %}


{# The files that a path or glob names. On object storage, DuckDB looks whether a file is there only if
   it has to find it: the last letter becomes a glob. #}
{% macro files_at(path) %}
    {%- if modules.re.match('(s3|s3a|s3n|gs|gcs|r2)://[^*?[]+$', path) -%}
        {%- set path = path[:-1] ~ '[' ~ path[-1] ~ ']' -%}
    {%- endif -%}
    {{- return(run_query('select file from glob(' ~ dwell.text(path) ~ ')').columns[0].values()) -}}
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
    {%- set files = dwell.find_files(input) -%}
    {%- if from_scratch -%}
        {%- set loaded = {} -%}
        {%- set last_number = 0 -%}
    {%- else -%}
        {%- set loaded = dwell.loaded_files(input) -%}
        {%- do dwell.refuse_changed_files(input, files, loaded) -%}
        {%- set last_number = dwell.last_source_number(input) -%}
    {%- endif -%}
    {%- set values, landing = [], [] -%}
    {%- for file in files if file['name'] not in loaded -%}
        {%- set number = last_number + values | length + 1 -%}
        {%- set layout = dwell.look_at_file(input, file['name'], file['size_bytes']) -%}
        {%- if layout['format'] == 'landing' -%}{%- do landing.append(file['name']) -%}{%- endif -%}
        {%- do values.append('(' ~ [
            number,
            dwell.text(file['name']),
            file['size_bytes'],
            dwell.timestamp_or_null(file['modified_at']),
            dwell.text(tojson(layout)),
            'null',
            'null'
        ] | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- if from_scratch -%}{%- do dwell.name_lost_files(input, landing) -%}{%- endif -%}
    {%- do run_query(dwell.create_incoming(input)) -%}
    {%- if values -%}
        {%- do run_query('insert into ' ~ dwell.own_table(input.incoming) ~ ' values ' ~ values | join(', ')) -%}
    {%- endif -%}
{% endmacro %}


{# {layout: [incoming files]}: files that are read alike are read together. #}
{% macro incoming_file_groups(input) %}
    {%- set groups = {} -%}
    {%- for file in run_query('select * from ' ~ dwell.own_table(input.incoming) ~ ' order by source_number').rows -%}
        {%- do groups.setdefault(file['layout'], []).append(file) -%}
    {%- endfor -%}
    {{- return(groups) -}}
{% endmacro %}


{% macro refuse_changed_files(input, files, loaded) %}
    {%- set now = {} -%}
    {%- for file in files -%}{%- do now.update({file['name']: file}) -%}{%- endfor -%}
    {%- for name, before in loaded.items() -%}
        {%- if name in now -%}
            {%- if not dwell.is_as_it_was(now[name], before) -%}
                {%- do dwell.stop(
                    name ~ ' has changed since it was loaded (' ~ before['size_bytes'] ~ ' bytes of '
                    ~ before['modified_at'] ~ ', now ' ~ now[name]['size_bytes'] ~ ' bytes of '
                    ~ now[name]['modified_at'] ~ '). Put new ' ~ input.name ~ ' into a new file, or load everything '
                    ~ 'again with --full-refresh (make: FULL_REFRESH=1).'
                ) -%}
            {%- endif -%}
        {%- else -%}
            {%- for file in files if file['name'] not in loaded and dwell.is_as_it_was(file, before) -%}
                {%- do dwell.refuse_other_name(input, name, file['name']) -%}
            {%- endfor -%}
            {%- if dwell.files_at(name) -%}
                {%- do dwell.stop(
                    name ~ ' is loaded, but ' ~ input.name ~ '_path no longer names it. Name it too, or start again '
                    ~ 'without it: --full-refresh (make: FULL_REFRESH=1), or another DWELL_DATABASE.'
                ) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{% macro is_as_it_was(file, before) %}
    {{- return(
        file['size_bytes'] == before['size_bytes']
        and file['modified_at'] | string == before['modified_at'] | string
    ) -}}
{% endmacro %}


{# A loaded file under another name would be loaded again: one that is spelt otherwise, or renamed. Messages of a
   topic are known whichever file holds them. #}
{% macro refuse_other_name(input, name, other) %}
    {%- if dwell.may_be_one_file(name, other) -%}
        {%- do dwell.stop(
            other ~ ' is loaded as ' ~ name ~ ', and would be loaded again. Keep that spelling, or start again with '
            ~ 'the other: --full-refresh (make: FULL_REFRESH=1).'
        ) -%}
    {%- elif not input.has_places and not dwell.files_at(name) -%}
        {%- do dwell.stop(
            other ~ ' has the size and the time of ' ~ name ~ ', which is loaded and gone: if it was renamed, it would '
            ~ 'be loaded again. Give its name back; if it is another file, touch it.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{# A full refresh could not bring back what was in a file that is gone; but a landing file may have been put
   together with others. #}
{% macro name_lost_files(input, landing) %}
    {%- set lost = [] -%}
    {%- for name in dwell.loaded_files(input) if not dwell.files_at(name) -%}
        {%- if not (landing and dwell.has_landed_elsewhere(name, landing)) -%}
            {%- do lost.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if lost -%}
        {%- do dwell.stop(
            'a full refresh would lose the ' ~ input.name ~ ' of ' ~ lost | join(', ') ~ ': loaded before, and no '
            ~ 'longer there. Put the file back, or build without it into another DWELL_DATABASE.'
        ) -%}
    {%- endif -%}
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
        {{- return(dwell.look_at_json(input, name, start | trim if start else '[', kind)) -}}
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
    {%- set lines = run_query(
        'select line from ' ~ dwell.read_lines([name], extra, end) ~ ' ' ~ where ~ ' limit 1'
    ).columns[0].values() -%}
    {{- return(lines[0] if lines else none) -}}
{% endmacro %}


{% macro look_at_csv(input, name, header) %}
    {%- set ns = namespace(delimiter=',', most=0) -%}
    {%- for delimiter in [',', ';', '\t', '|'] if header.count(delimiter) > ns.most -%}
        {%- set ns.delimiter, ns.most = delimiter, header.count(delimiter) -%}
    {%- endfor -%}
    {%- set columns = dwell.csv_columns(name, ns.delimiter, ns.most + 1) -%}
    {%- set mapped = dwell.map_columns_or_stop(input, columns, name) -%}
    {%- set layout = {'format': 'csv', 'delimiter': ns.delimiter, 'columns': columns, 'mapped': mapped} -%}
    {%- set rows = dwell.read_csv([name], layout, 'ignore_errors = true, parallel = false') -%}
    {%- set kinds = {} -%}
    {%- for column in input.times -%}
        {%- do kinds.update({column: dwell.time_kind_of_values(
            input, 'select ' ~ dwell.quoted(mapped[column]) ~ ' as time from ' ~ rows
        )}) -%}
    {%- endfor -%}
    {%- do layout.update({'times': kinds}) -%}
    {{- return(layout) -}}
{% endmacro %}


{# The header, read as a row. Of columns of one name, the first keeps it. #}
{% macro csv_columns(name, delimiter, most) %}
    {%- set numbered = [] -%}
    {%- for number in range(most) -%}{%- do numbered.append('column' ~ number) -%}{%- endfor -%}
    {%- set header = run_query('from ' ~ dwell.read_csv(
        [name], {'columns': numbered, 'delimiter': delimiter},
        'ignore_errors = true, strict_mode = false, null_padding = true, parallel = false', header=false
    ) ~ ' limit 1').rows -%}
    {%- set columns = [] -%}
    {%- set taken = [] -%}
    {%- for cell in header[0].values() if header -%}
        {%- set column = cell or 'column' ~ loop.index0 -%}
        {%- do columns.append(column ~ '_' ~ loop.index0 if column | trim | lower in taken else column) -%}
        {%- do taken.append(column | trim | lower) -%}
    {%- endfor -%}
    {{- return(columns) -}}
{% endmacro %}


{% macro look_at_parquet(input, name) %}
    {%- set types = {} -%}
    {%- for row in run_query('describe from read_parquet(' ~ dwell.text(name) ~ ')').rows -%}
        {%- do types.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {%- if input.has_places and dwell.is_landing_file(types) -%}
        {{- return(dwell.landing_layout(input)) -}}
    {%- endif -%}
    {%- set mapped = dwell.map_columns_or_stop(input, types.keys() | list, name) -%}
    {%- set read_types = {} -%}
    {%- for column in mapped.values() if column is not none -%}
        {%- do read_types.update({column: types[column]}) -%}
    {%- endfor -%}
    {{- return({
        'format': 'parquet',
        'mapped': mapped,
        'types': read_types,
        'times': dwell.time_kinds(input, mapped, types, 'read_parquet(' ~ dwell.text(name) ~ ')'),
    }) -}}
{% endmacro %}


{# JSON in lines is read as lines, so that a broken line is one reject; an array or objects that
   stretch over lines are read whole. #}
{% macro look_at_json(input, name, first_line, kind) %}
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
    {%- set keys = dwell.json_keys_of(objects, 'limit 100') -%}
    {%- if dwell.map_columns(input, keys, name) is string -%}
        {#- a key that few objects have -#}
        {%- set keys = dwell.json_keys_of(objects, '') -%}
    {%- endif -%}
    {%- set mapped = dwell.map_columns_or_stop(input, keys, name) -%}
    {%- set kinds = {} -%}
    {%- for column in input.times -%}
        {%- do kinds.update({column: dwell.time_kind_of_values(
            input, 'select ' ~ dwell.json_text('json', mapped[column]) ~ ' as time from ' ~ objects
        )}) -%}
    {%- endfor -%}
    {%- do layout.update({'mapped': mapped, 'times': kinds}) -%}
    {{- return(layout) -}}
{% endmacro %}


{% macro json_keys_of(objects, limit) %}
    {{- return(run_query(
        'select distinct unnest(json_keys(json)) as key from (select json from ' ~ objects
        ~ " where json_type(json) = 'OBJECT' " ~ limit ~ ') as read order by key'
    ).columns[0].values() | list) -}}
{% endmacro %}
