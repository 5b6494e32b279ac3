{# An input that is a relation which exists already, or the sample. #}

{% macro reads_by_load_time(input) %}
    {{- return(dwell.input_mode(input) == 'relation' and input.loaded_at is not none) -}}
{% endmacro %}


{# SQL: whether a load time is new, or within a day of the newest that an earlier load of this
   generation has seen: what a transaction wrote late, under an older load time, is found that long. #}
{% macro is_read_again(input, loaded_at) -%}
    {%- if not execute or dwell.is_from_scratch(input) -%}
    true
    {%- else -%}
    {{ loaded_at }} > (
        select coalesce({{ dwell.since_newest(input) }}, timestamp '0001-01-01')
        from {{ dwell.loads(input) }}
        where load_number <= (select max(load_number) - 1 from {{ dwell.this_load() }})
    )
    {%- endif -%}
{%- endmacro %}


{# SQL: the load time from which on rows are read, by all loads that are looked at. #}
{% macro since_newest(input) -%}
    {{ dwell.later_by('max(modified_at)', -input.margin_us) if input.margin_us else 'max(modified_at)' }}
{%- endmacro %}


{# SQL: the load time of a row. #}
{% macro load_time(input) -%}
    cast({{ dwell.column_named(input.loaded_at) }} as {{ dbt.type_timestamp() }})
{%- endmacro %}


{# {mapped, time}: which columns, and of what kind the time is; or a sentence that says what is wrong. #}
{% macro describe_relation(input, relation) %}
    {%- set types = {} -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do types.update({column.name: column.dtype}) -%}
    {%- endfor -%}
    {%- set mapped = dwell.map_columns(input, types.keys() | list, dwell.input_name(input)) -%}
    {%- if mapped is string -%}{{- return(mapped) -}}{%- endif -%}
    {{- return({
        'mapped': mapped,
        'times': dwell.time_kinds(input, mapped, types, relation),
        'receipt': dwell.receipt_in(types) if dwell.input_mode(input) == 'sample' else none,
    }) -}}
{% endmacro %}


{# The name of the sample's column with the times of receipt; none where it has none. #}
{% macro receipt_in(columns) %}
    {{- return(columns | select('in', ['received_at', 'RECEIVED_AT']) | first | default(none)) -}}
{% endmacro %}


{% macro look_at_relation(input, relation) %}
    {%- if dwell.is_ephemeral(input) -%}
        {%- do dwell.stop(input.name ~ '_relation ' ~ input.relation ~ ' is ephemeral, and no relation of its own. Materialize it as a view or a table.') -%}
    {%- endif -%}
    {%- if load_relation(relation) is none -%}
        {%- do dwell.stop(
            input.name ~ '_relation ' ~ input.relation ~ ' does not exist' ~ (
                ' as ' ~ relation ~ '. Let dbt build it first.' if dwell.is_of_dbt(input)
                else '. Write it as schema.table or database.schema.table.'
            )
        ) -%}
    {%- endif -%}
    {%- set described = dwell.describe_relation(input, relation) -%}
    {%- if described is string -%}{%- do dwell.stop(described) -%}{%- endif -%}
    {%- if dwell.reads_by_load_time(input) -%}
        {%- set loaded_at = input.loaded_at | lower -%}
        {%- set types = {} -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do types.update({column.name | lower: column.dtype}) -%}
        {%- endfor -%}
        {%- if loaded_at not in types -%}
            {%- do dwell.stop(input.name ~ '_loaded_at names ' ~ input.loaded_at ~ ', which ' ~ dwell.input_name(input) ~ ' does not have; it has ' ~ types | join(', ') ~ '.') -%}
        {%- elif not dwell.time_kind_of_type(types[loaded_at]) -%}
            {%- do dwell.stop(input.name ~ '_loaded_at names ' ~ input.loaded_at ~ ', which is ' ~ types[loaded_at] ~ ' in ' ~ dwell.input_name(input) ~ '. It must be a timestamp in UTC.') -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro read_relation(input) %}
    {%- set relation = dwell.input_relation(input) -%}
    {#- `dbt compile --no-introspect` may not ask the engine, and supposes that columns are named as ours -#}
    {%- set described = dwell.describe_relation(input, relation) if dwell.may_ask()
        else {'mapped': dict(zip(input.columns, input.columns)), 'times': {}} -%}
    {%- if described is string -%}
        {#- raised by the table that reads it: dbt build tells no error of an ephemeral model -#}
        {{- return(dwell.read_no_rows(input) ~ ' or ' ~ dwell.fail_with(dwell.text('dwell: ' ~ described)) ~ ' is null') -}}
    {%- endif -%}
    {%- set mapped = described['mapped'] -%}
    {%- set theirs = {} -%}
    {%- for column in input.columns -%}
        {%- do theirs.update({column: dwell.quoted(mapped[column]) if mapped.get(column) else 'null'}) -%}
    {%- endfor -%}
    {%- set newest = dwell.time_read(input.times[0]) -%}
    {%- set source_number = 1 if dwell.input_is_read_whole(input)
        else '(select max(source_number) from ' ~ dwell.own_table(input.incoming) ~ ')' -%}
select
    {%- for column in input.columns %}
    {{ column }},
    {%- endfor %}
    {%- for column in input.times %}
    {{ dwell.time_read(column) }},
    {%- endfor %}
    cast({{ source_number }} as {{ dbt.type_int() }}) as source_number,
    {%- if dwell.reads_by_load_time(input) or described.get('receipt') %}
    received_at,
    {%- else %}
    -- without a load time, the newest; a clock beyond 2100 is no measure of anything
    max(case when {{ newest }} < timestamp '2100-01-01' then {{ newest }} end) over () as received_at,
    {%- endif %}
    read_position,
    cast(null as {{ dwell.type_text() }}) as unreadable_row
    {{- ',\n    ' ~ dwell.place_columns() if input.has_places }}
from (
    select
        {%- for column in input.columns %}
        cast({{ theirs[column] }} as {{ dwell.type_text() }}) as {{ column }},
        {%- endfor %}
        {%- for column in input.times %}
        {{ dwell.parse_time(theirs[column], described['times'].get(column, 'iso')) }} as {{ dwell.time_read(column) }},
        {%- endfor %}
        {%- if dwell.reads_by_load_time(input) %}
        {{ dwell.load_time(input) }} as received_at,
        {%- elif described.get('receipt') %}
        cast({{ dwell.quoted(described['receipt']) }} as {{ dbt.type_timestamp() }}) as received_at,
        {%- endif %}
        {{ dwell.place_in_sample() if dwell.input_mode(input) == 'sample' else 'cast(null as ' ~ dbt.type_bigint() ~ ')' }}
            as read_position
    from {{ relation }} as their_rows
    {%- if dwell.reads_by_load_time(input) %}
    where {{ dwell.is_read_again(input, dwell.load_time(input)) }}
    {%- endif %}
    {{- dwell.computed_once() }}
) as typed
{% endmacro %}


{% macro refuse_missing_load_times(input) %}
    {%- set untimed = run_query(
        'select count(*) from ' ~ dwell.input_relation(input) ~ ' where ' ~ dwell.column_named(input.loaded_at) ~ ' is null'
    ).columns[0].values()[0] -%}
    {%- if untimed > 0 -%}
        {%- do dwell.stop(
            dwell.input_name(input) ~ ' has ' ~ untimed ~ ' rows without a load time in '
            ~ input.loaded_at ~ ', so that nobody can tell whether they are new. Fill it, or leave '
            ~ input.name ~ '_loaded_at out: then the whole relation is read each time.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro refuse_old_load_times(input, stored) %}
    {%- set loaded_at = dwell.load_time(input) -%}
    {%- set newest = '(select ' ~ dwell.since_newest(input) ~ ' from ' ~ dwell.loads(input) ~ ')' -%}
    {%- set counted = 'select count(*) from ' ~ stored ~ ' where received_at <= ' ~ newest
        if input.margin_us else 'select sum(rows_read) from ' ~ dwell.loads(input) -%}
    {%- set found = run_query(
        'select (select count(*) from ' ~ dwell.input_relation(input) ~ ' where ' ~ loaded_at ~ ' <= ' ~ newest ~ ') as there, '
        ~ '(' ~ counted ~ ') as stored'
    ).rows[0].values() -%}
    {%- set there, are_stored = found -%}
    {%- if there != are_stored -%}
        {%- do dwell.stop(
            dwell.input_name(input) ~ ' has changed where it was read before: ' ~ there ~ ' rows that are '
            ~ ('more than a day older than' if input.margin_us else 'not after') ~ ' the newest load time, where there were ' ~ are_stored
            ~ '. Load everything again with --full-refresh, which knows only what is there now: rows that were removed'
            ~ ' on purpose are gone from the sessions then. Rows that came late under an old load time: give them a new one.'
        ) -%}
    {%- endif -%}
{% endmacro %}
