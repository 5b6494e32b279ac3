{# The files that an input's path names now. #}

{# Every file that the path names now, in the temporary table dwell_files: name, size_bytes, modified_at. There may be
   thousands that are loaded already, so that only those with which something is to be done come to Jinja. #}
{% macro find_files(input) %}
    {%- set named = [] -%}
    {%- for path in dwell.as_list(input.path) -%}
        {%- if modules.re.search(dwell.object_with_question_mark(), path) -%}
            {%- do dwell.raise_error(
                input.name ~ '_path has a ? in ' ~ path ~ ', and DuckDB takes what follows it in the address of an object for options. Write * instead, '
                ~ 'or rename the object.'
            ) -%}
        {%- endif -%}
        {%- set findable = dwell.findable(input, path) -%}
        {%- set found = dwell.query_path(
            input, path, 'select count(*) as files, min(file) filter (where ' ~ dwell.hides_facts('file') ~ ') as hiding, '
            ~ 'min(file) filter (where regexp_matches(file, ' ~ dwell.text(dwell.object_with_question_mark()) ~ ')) as unopened from glob('
            ~ dwell.text(findable) ~ ')'
        )[0] -%}
        {%- if found['unopened'] -%}
            {%- do dwell.raise_error(
                found['unopened'] ~ ' has a ? in its name, and DuckDB takes what follows it in the address of an object for options. Rename the object.'
            ) -%}
        {%- elif found['hiding'] -%}
            {%- do dwell.raise_error(
                found['hiding'] ~ ' is in a folder called filename=, content=, size= or last_modified=, and DuckDB would take '
                ~ 'its value for the property of the file with that name. Rename the folder.'
            ) -%}
        {%- elif found['files'] -%}
            {%- do named.append(findable) -%}
        {%- elif not dwell.has_loaded(input, path) -%}
            {%- do dwell.raise_error(
                input.name ~ '_path names no file: ' ~ path ~ '. Give the path of a file that exists, or a glob '
                ~ 'that matches one; a folder needs a glob, as in data/*.csv.'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do try_or_compiler_error(
        'dwell: ' ~ input.name ~ '_path names a file that ' ~ dwell.reason_not_opened(named) ~ ': ' ~ dwell.escaped(dwell.first_names(named))
        ~ '. Let it be read, or leave it out.',
        run_query,
        'create or replace temporary table dwell_files as select distinct filename as name, size as size_bytes, '
        ~ 'timezone(\'UTC\', last_modified) as modified_at from '
        ~ ('read_blob(' ~ dwell.sql_list(named) ~ ')' if named
            else "(select '' as filename, 0 as size, cast(null as timestamptz) as last_modified) where false")
    ) -%}
    {%- do dwell.skip_markers(input) -%}
    {%- do dwell.refuse_two_names_of_a_file(input) -%}
{% endmacro %}


{# A regular expression of the addresses of object storage that have a question mark. #}
{% macro object_with_question_mark() %}
    {{- return('^(s3|s3a|s3n|gs|gcs|r2)://.*[?]') -}}
{% endmacro %}


{# Whether a web address exists is not known before it is opened. #}
{% macro reason_not_opened(names) %}
    {%- for name in names if modules.re.match('https?://', name) -%}
        {{- return('is not there, or that this user may not open') -}}
    {%- endfor -%}
    {{- return('this user may not open') -}}
{% endmacro %}


{# SQL: whether a name has a folder called key=value whose key is a column of read_blob. No option of DuckDB makes read_blob
   ignore such folders. #}
{% macro hides_facts(name) -%}
    regexp_matches({{ name }}, '(^|/)(filename|content|size|last_modified)=[^/]*/')
{%- endmacro %}


{# A glob also matches what other programs leave next to data: hidden files (.x, ._x of macOS), locks (~$x of Excel), marks
   (_SUCCESS of Spark), and logs of a table (_delta_log). They are input only where a path names them as they are. #}
{% macro skip_markers(input) %}
    {%- set are_markers = "regexp_matches(name, '(^|/)([.]|~[$]|_SUCCESS$|_committed_|_started_)[^/]*$|(^|/)_(delta_log|temporary)/') "
        ~ 'and name not in (select unnest(cast(' ~ dwell.sql_list(dwell.as_list(input.path)) ~ ' as varchar[])))' -%}
    {%- set skipped = run_query('select name from dwell_files where ' ~ are_markers ~ ' order by name').columns[0].values() | list -%}
    {%- if skipped -%}
        {%- do run_query('delete from dwell_files where ' ~ are_markers) -%}
        {%- do log('dwell: skipped, as hidden files or marks of other programs: ' ~ dwell.escaped(dwell.first_names(skipped)), info=true) -%}
    {%- endif -%}
{% endmacro %}


{# {key: value} of the folders of a file that are called key=value, as Hive and Spark write them; the value as it is
   written, and none for Hive's word for null. #}
{% macro folder_keys(name) %}
    {%- set keys = {} -%}
    {%- for folder in name.split('/')[:-1] if '=' in folder -%}
        {%- set key, value = folder.split('=', 1) -%}
        {%- do keys.update({key: none if value == '__HIVE_DEFAULT_PARTITION__' else value}) -%}
    {%- endfor -%}
    {{- return(keys) -}}
{% endmacro %}


{# On object storage, DuckDB looks whether a file is there only if it has to find it: the last letter becomes a
   glob. #}
{% macro findable(input, path) %}
    {%- set name = dwell.name_as_pattern(path) -%}
    {%- if name != path and dwell.query_path(input, path, 'select 1 from glob(' ~ dwell.text(name) ~ ') limit 1') -%}
        {#- a file has exactly this name -#}
        {{- return(name) -}}
    {%- endif -%}
    {%- if modules.re.match('(s3|s3a|s3n|gs|gcs|r2)://[^*?[]+$', path) -%}
        {{- return(path[:-1] ~ '[' ~ path[-1] ~ ']') -}}
    {%- endif -%}
    {{- return(path) -}}
{% endmacro %}


{% macro query_path(input, path, query) %}
    {{- return(try_or_compiler_error(
        'dwell: ' ~ input.name ~ '_path cannot be looked into: ' ~ dwell.escaped(path) ~ '. Give a path that this machine can '
        ~ 'reach; s3:// and https:// need DuckDB\'s httpfs, which the target s3 has.',
        run_query, query
    ).rows) -}}
{% endmacro %}


{# Whether a path or glob has named a file that was loaded. If that file is gone, it is no error. #}
{% macro has_loaded(input, path) %}
    {{- return(run_query(
        'select 1 from ' ~ dwell.loads(input) ~ ' where size_bytes is not null and (source = '
        ~ dwell.text(path) ~ ' or source glob ' ~ dwell.text(path) ~ ') limit 1'
    ).rows | length > 0) -}}
{% endmacro %}


{# Records the files that no run has loaded, and how to read each, in the table input.incoming. Only these files are read and
   counted. #}
{% macro prepare_incoming_files(input, from_scratch) %}
    {%- do dwell.find_files(input) -%}
    {%- do dwell.find_missing_files(input) -%}
    {%- if not from_scratch -%}
        {%- do dwell.refuse_changed_files(input) -%}
        {%- do dwell.refuse_other_names(input) -%}
        {%- do dwell.forget_missing_files(input) -%}
    {%- endif -%}
    {%- set last_number = 0 if from_scratch else dwell.last_source_number(input) -%}
    {%- set values, older = [], [] -%}
    {%- for file in dwell.new_files(input, from_scratch) -%}
        {%- set layout = dwell.detect_layout(input, file['name'], file['size_bytes']) -%}
        {%- if dwell.is_older_than_its_events(input, layout, file) -%}
            {%- do older.append(file['name'] ~ ' (' ~ file['modified_at'] ~ ')') -%}
            {%- do layout.update({'is_older_than_its_events': true}) -%}
        {%- endif -%}
        {%- do values.append('(' ~ [
            last_number + loop.index,
            dwell.text(file['name']),
            file['size_bytes'],
            dwell.timestamp_or_null(file['modified_at']),
            dwell.text(tojson(layout)),
            'false',
            'null',
            'null'
        ] | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- if older -%}
        {%- do log(
            'dwell: files that were modified before most of their ' ~ input.name ~ ', as a copy may leave them. In these, only times '
            ~ 'after 2099 are rejected as in the future. To reject others, set ' ~ input.name ~ '_received_at to the time of receipt: '
            ~ dwell.escaped(dwell.first_names(older)), info=true
        ) -%}
    {%- endif -%}
    {%- do run_query(dwell.create_incoming(input)) -%}
    {%- if values -%}
        {%- do run_query('insert into ' ~ dwell.own_table(input.incoming) ~ ' values ' ~ values | join(', ')) -%}
    {%- endif -%}
    {%- if input.has_offsets -%}{%- do dwell.prepare_offset_ranges(input, from_scratch) -%}{%- endif -%}
    {%- if from_scratch -%}{%- do dwell.refuse_to_lose_files(input) -%}{%- endif -%}
{% endmacro %}


{% macro new_files(input, from_scratch) %}
    {%- set files = run_query(
        'select * from dwell_files'
        ~ (' where name not in (' ~ dwell.loaded_names(input) ~ ')' if not from_scratch else '')
        ~ ' order by modified_at, name'
    ).rows -%}
    {{- return(dwell.files_to_load(files) if input.has_offsets else files) -}}
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
