{# An input that is a relation which exists already, or the sample. #}

{% macro reads_by_load_time(input) %}
    {{- return(dwell.input_mode(input) == 'relation' and input.loaded_at is not none) -}}
{% endmacro %}


{# {mapped, times, receipt}: the sources of the columns, the kinds of the times, and the column of the sample with the times
   of receipt; or the text of an error. #}
{% macro describe_relation(input, relation) %}
    {%- set types = {} -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do types.update({column.name: column.dtype}) -%}
    {%- endfor -%}
    {%- set mapped = dwell.map_columns_and_paths(input, types.keys() | list, dwell.input_name(input), relation) -%}
    {%- if mapped is string -%}{{- return(mapped) -}}{%- endif -%}
    {%- if dwell.reads_by_load_time(input) -%}
        {%- set wrong = dwell.load_time_error(input, types) -%}
        {%- if wrong -%}{{- return(wrong) -}}{%- endif -%}
    {%- endif -%}
    {{- return({
        'mapped': mapped,
        'times': dwell.time_kinds(input, mapped, types, relation),
        'receipt': dwell.receipt_in(types) if dwell.input_mode(input) == 'sample' else none,
    }) -}}
{% endmacro %}


{# types: the type of each column of the relation. Returns none, or the text of an error. #}
{% macro load_time_error(input, types) %}
    {%- for column, type in types.items() if column | lower == input.loaded_at | lower -%}
        {{- return(
            none if dwell.time_kind_of_type(type) else
            input.name ~ '_loaded_at names ' ~ column ~ ', which is ' ~ type ~ ' in ' ~ dwell.input_name(input)
            ~ '. It must be a timestamp in UTC.'
        ) -}}
    {%- endfor -%}
    {{- return(
        input.name ~ '_loaded_at names ' ~ input.loaded_at ~ ', which ' ~ dwell.input_name(input)
        ~ ' does not have; it has ' ~ types | join(', ') ~ '.'
    ) -}}
{% endmacro %}


{# The name of the sample's column with the times of receipt; none where it has none. #}
{% macro receipt_in(columns) %}
    {{- return(columns | select('in', ['received_at', 'RECEIVED_AT']) | first | default(none)) -}}
{% endmacro %}


{% macro check_relation(input, relation) %}
    {%- if dwell.is_ephemeral(input) -%}
        {%- do dwell.raise_error(input.name ~ '_relation ' ~ input.relation ~ ' is ephemeral, and no relation of its own. Materialize it as a view or a table.') -%}
    {%- endif -%}
    {%- if load_relation(relation) is none -%}
        {%- do dwell.raise_error(
            input.name ~ '_relation ' ~ input.relation ~ ' does not exist' ~ (
                ' as ' ~ relation ~ '. Let dbt build it first.' if dwell.is_of_dbt(input)
                else '. Write it as schema.table or database.schema.table.'
            )
        ) -%}
    {%- endif -%}
    {%- set described = dwell.describe_relation(input, relation) -%}
    {%- if described is string -%}{%- do dwell.raise_error(described) -%}{%- endif -%}
{% endmacro %}


{% macro columns_as_ours(input) %}
    {%- set mapped = {} -%}
    {%- for column in input.columns -%}{%- do mapped.update({column: {'column': column}}) -%}{%- endfor -%}
    {{- return(mapped) -}}
{% endmacro %}


{# SQL: the rows of an input that is a relation. seed: the sample, as ref() returns it, where the model names it. #}
{% macro read_relation(input, seed=none) %}
    {%- if seed is not none -%}{%- do dwell.check_database_name() -%}{%- endif -%}
    {#- of a ref(), --empty would make a subquery, whose columns cannot be looked up -#}
    {%- set relation = dwell.input_relation(input) if seed is none
        else api.Relation.create(database=seed.database, schema=seed.schema, identifier=seed.identifier) -%}
    {#- `dbt compile --no-introspect` may not ask the engine, and supposes that columns are named as ours -#}
    {%- set described = dwell.describe_relation(input, relation) if dwell.can_query()
        else {'mapped': dwell.columns_as_ours(input), 'times': {}} -%}
    {%- if described is string -%}
        {#- raised by the table that reads it: dbt build reports no error of an ephemeral model -#}
        {{- return(dwell.read_no_rows(input) ~ ' or ' ~ dwell.fail_with(dwell.text('dwell: ' ~ described)) ~ ' is null') -}}
    {%- endif -%}
    {%- set mapped = described['mapped'] -%}
    {%- set theirs = {} -%}
    {%- for column in input.columns -%}
        {%- do theirs.update({column: dwell.value_of_source(mapped[column])}) -%}
    {%- endfor -%}
    {%- set newest = dwell.parsed_time_column(input.times[0]) -%}
    {%- set source_number = 1 if dwell.is_read_entirely(input)
        else '(select max(source_number) from ' ~ dwell.own_table(input.incoming) ~ ')' -%}
select
    {%- for column in input.columns %}
    {{ column }},
    {%- endfor %}
    {%- for column in input.times %}
    {{ dwell.parsed_time_column(column) }},
    {%- endfor %}
    cast({{ source_number }} as {{ dbt.type_int() }}) as source_number,
    {%- if dwell.reads_by_load_time(input) or described.get('receipt') %}
    received_at,
    {%- else %}
    -- without a load time, the newest; a time after 2100 is not plausible
    max(case when {{ newest }} < {{ dwell.latest_plausible_time() }} then {{ newest }} end) over () as received_at,
    {%- endif %}
    read_position,
    cast(null as {{ dwell.type_text() }}) as unreadable_row
    {{- ',\n    ' ~ dwell.offset_columns() if input.has_offsets }}
from (
    select
        {%- for column in input.columns %}
        cast({{ theirs[column] }} as {{ dwell.type_text() }}) as {{ column }},
        {%- endfor %}
        {%- for column in input.times %}
        {{ dwell.parse_time(theirs[column], described['times'].get(column, 'iso')) }} as {{ dwell.parsed_time_column(column) }},
        {%- endfor %}
        {%- if dwell.reads_by_load_time(input) %}
        {{ dwell.load_time(input) }} as received_at,
        {%- elif described.get('receipt') %}
        cast({{ dwell.quoted(described['receipt']) }} as {{ dbt.type_timestamp() }}) as received_at,
        {%- endif %}
        {{ dwell.position_in_sample() if dwell.input_mode(input) == 'sample' else 'cast(null as ' ~ dbt.type_bigint() ~ ')' }}
            as read_position
    from {{ relation }} as their_rows
    {%- if dwell.reads_by_load_time(input) %}
    where {{ dwell.is_to_read(input) }}
    {%- endif %}
    {{- dwell.computed_once() }}
) as typed
{% endmacro %}
