{# What has become of the files that were loaded. They may stay unchanged, or be removed; anything else is an error. #}

{# a.csv, ./a.csv and /data/a.csv may be one file, and its rows must not count twice. #}
{% macro refuse_two_names_of_a_file(input) %}
    {%- set found = run_query(
        'select one.name, other.name as other from dwell_files as one inner join dwell_files as other on '
        ~ dwell.may_be_one_file('one', 'other') ~ ' where one.name < other.name order by all limit 1'
    ).rows -%}
    {%- for files in found -%}
        {%- do dwell.raise_error(
            input.name ~ '_path names one file twice, as ' ~ files['name'] ~ ' and as ' ~ files['other']
            ~ '. Name it once, or its ' ~ input.name ~ ' would count twice.'
        ) -%}
    {%- endfor -%}
{% endmacro %}


{# SQL: whether two rows with name, size_bytes and modified_at may be one file, of two spellings. #}
{% macro may_be_one_file(one, other) -%}
    {%- set spelt = {} -%}
    {%- for row in [one, other] -%}
        {%- do spelt.update({
            row: "regexp_replace(regexp_replace(" ~ row ~ ".name, '/([.]?/)+', '/', 'g'), '^[.]/', '')"
        }) -%}
    {%- endfor -%}
    {{ dwell.is_unchanged(one, other) }}
    and {{ dwell.name_in_folder(one ~ '.name') }} = {{ dwell.name_in_folder(other ~ '.name') }}
    and (
        {{ spelt[one] }} = {{ spelt[other] }}
        {%- for long, short in [(one, other), (other, one)] %}
        or (starts_with({{ spelt[long] }}, '/') and ends_with({{ spelt[long] }}, '/' || {{ spelt[short] }}))
        {%- endfor %}
    )
{%- endmacro %}


{% macro is_unchanged(file, before) -%}
    {{ file }}.size_bytes = {{ before }}.size_bytes
    and {{ file }}.modified_at is not distinct from {{ before }}.modified_at
{%- endmacro %}


{% macro name_in_folder(name) -%}
    regexp_extract({{ name }}, '[^/]*$')
{%- endmacro %}

{% macro folder_of(name) -%}
    regexp_replace({{ name }}, '[^/]*$', '')
{%- endmacro %}


{# The loaded files that the path does not name now, in the temporary table dwell_missing, with whether they are there
   all the same. Each folder is looked into once, whatever it has lost. #}
{% macro find_missing_files(input) %}
    {%- do run_query(
        'create or replace temporary table dwell_missing as select source as name, size_bytes, modified_at, '
        ~ "coalesce(format = 'landing', false) as is_landing, source_number, "
        ~ dwell.folder_of('source') ~ " as folder, regexp_matches(source, '^https?://') as is_there from "
        ~ dwell.loads(input) ~ ' where size_bytes is not null and source not in (select name from dwell_files)'
    ) -%}
    {%- set lists = [] -%}
    {%- for folder in run_query('select distinct folder from dwell_missing where not is_there').columns[0].values() -%}
        {%- set escaped = modules.re.sub('([*?[])', '[\\1]', folder) -%}
        {%- do lists.append(
            'select ' ~ dwell.text(folder) ~ ' as folder, ' ~ dwell.name_in_folder('file') ~ ' as name from glob('
            ~ dwell.text(escaped ~ '*') ~ ')'
        ) -%}
    {%- endfor -%}
    {%- if lists -%}
        {%- do run_query(
            'update dwell_missing as missing set is_there = true from (' ~ lists | join(' union all ') ~ ') as there '
            ~ 'where missing.folder = there.folder and ' ~ dwell.name_in_folder('missing.name') ~ ' = there.name'
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro refuse_changed_files(input) %}
    {%- set changed = run_query(
        'select now.*, before.size_bytes as size_before, before.modified_at as modified_before from dwell_files as now '
        ~ 'inner join ' ~ dwell.loads(input) ~ ' as before on now.name = before.source '
        ~ 'where before.size_bytes is not null and not (' ~ dwell.is_unchanged('now', 'before') ~ ') '
        ~ 'order by before.source_number limit 1'
    ).rows -%}
    {%- for file in changed -%}
        {%- do dwell.raise_error(
            file['name'] ~ ' has changed since it was loaded (' ~ file['size_before'] ~ ' bytes of '
            ~ file['modified_before'] ~ ', now ' ~ file['size_bytes'] ~ ' bytes of '
            ~ file['modified_at'] ~ '). Put new ' ~ input.name ~ ' into a new file, or load everything '
            ~ 'again with --full-refresh (make: FULL_REFRESH=1).'
        ) -%}
    {%- endfor -%}
{% endmacro %}


{# A loaded file under another name would be loaded again: one that is spelt otherwise, or renamed. Messages of a
   topic are known whichever file holds them. #}
{% macro refuse_other_names(input) %}
    {%- set found = run_query(
        'select before.name, now.name as other, ' ~ dwell.may_be_one_file('before', 'now') ~ ' as is_spelt_otherwise '
        ~ 'from dwell_missing as before inner join dwell_files as now on ' ~ dwell.is_unchanged('now', 'before')
        ~ ' where now.name not in (' ~ dwell.loaded_names(input) ~ ') and (is_spelt_otherwise'
        ~ (' or not before.is_there' if not input.has_offsets else '') ~ ') '
        ~ 'order by is_spelt_otherwise desc, before.source_number, other limit 1'
    ).rows -%}
    {%- for file in found -%}
        {%- if file['is_spelt_otherwise'] -%}
            {%- do dwell.raise_error(
                file['other'] ~ ' is loaded as ' ~ file['name'] ~ ', and would be loaded again. Keep that spelling, or '
                ~ 'start again with the other: --full-refresh (make: FULL_REFRESH=1).'
            ) -%}
        {%- endif -%}
        {%- do dwell.raise_error(
            file['other'] ~ ' has the size and the time of ' ~ file['name'] ~ ', which is loaded and gone: if it was '
            ~ 'renamed, it would be loaded again. Give its name back; if it is another file, change its modification time.'
        ) -%}
    {%- endfor -%}
    {%- for file in run_query('from dwell_missing where is_there order by source_number limit 1').rows -%}
        {%- do dwell.raise_error(
            file['name'] ~ ' is loaded, but ' ~ input.name ~ '_path no longer names it. Name it too, or start again '
            ~ 'without it: --full-refresh (make: FULL_REFRESH=1), or another DWELL_DATABASE.'
        ) -%}
    {%- endfor -%}
{% endmacro %}


{# Landing files come and go for months, and what they held is known by its offsets. Of those that are gone, the newest
   of each folder stays on record, so that numbers go on, and an empty folder is not taken for a mistake. #}
{% macro forget_missing_files(input) %}
    {%- do run_query(
        'delete from ' ~ dwell.loads(input) ~ ' where source_number in (select source_number from dwell_missing '
        ~ 'where is_landing and not is_there qualify source_number < max(source_number) over (partition by folder))'
    ) -%}
{% endmacro %}


{# A full refresh could not restore the rows of a file that is gone. Landing files are compared by their offsets, whichever
   files hold them now. #}
{% macro refuse_to_lose_files(input) %}
    {%- set lost = run_query(
        'select name from dwell_missing where not is_landing and not is_there order by source_number'
    ).columns[0].values() | list -%}
    {%- if not lost and input.has_offsets -%}{%- set lost = dwell.lost_offsets(input) -%}{%- endif -%}
    {%- if lost -%}
        {%- do dwell.raise_error(
            'a full refresh would lose the ' ~ input.name ~ ' of ' ~ dwell.first_names(lost) ~ ': loaded before, and no longer there. Put the file back, or '
            ~ 'build without it into another DWELL_DATABASE.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{# The first ten of a list, and how many more there are. #}
{% macro first_names(things) %}
    {{- return(things[:10] | join(', ') ~ (' and ' ~ (things | length - 10) ~ ' more' if things | length > 10 else '')) -}}
{% endmacro %}
