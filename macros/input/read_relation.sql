{# Events from a relation that exists already, or from the sample. #}

{% macro input_name() %}
    {{- return('seeds/events.csv' if dwell.input_mode() == 'sample' else var('events_relation')) -}}
{% endmacro %}


{% macro reads_by_load_time() %}
    {{- return(dwell.input_mode() == 'relation' and var('events_loaded_at') is not none) -}}
{% endmacro %}


{# SQL: whether a load time is new, or within a day of the newest that an earlier load of this
   generation has seen: what a transaction wrote late, under an older load time, is found that long. #}
{% macro is_read_again(loaded_at) -%}
    {{ loaded_at }} > (
        select coalesce(max(modified_at), timestamp '0001-01-01')
        from {{ dwell.event_loads() }}
        where load_number <= (select max(load_number) - 1 from dwell_this_load)
    ) - interval '1 day'
{%- endmacro %}


{# {mapped, time}: which columns, and of what kind the time is; or a sentence that says what is wrong. #}
{% macro describe_relation(relation) %}
    {%- set types = {} -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do types.update({column.name: column.dtype}) -%}
    {%- endfor -%}
    {%- set mapped = dwell.map_event_columns(types.keys() | list, dwell.input_name()) -%}
    {%- if mapped is string -%}{{- return(mapped) -}}{%- endif -%}
    {%- set time = dwell.quoted(mapped['event_time']) -%}
    {{- return({
        'mapped': mapped,
        'time': dwell.event_time_kind_of_type(types[mapped['event_time']])
            or dwell.event_time_kind_of_values(
                'select cast(' ~ time ~ ' as varchar) as event_time from ' ~ relation
            )
    }) -}}
{% endmacro %}


{% macro look_at_relation(relation) %}
    {%- if load_relation(relation) is none -%}
        {%- do dwell.stop('events_relation ' ~ var('events_relation') ~ ' does not exist. Write it as schema.table or database.schema.table.') -%}
    {%- endif -%}
    {%- set described = dwell.describe_relation(relation) -%}
    {%- if described is string -%}{%- do dwell.stop(described) -%}{%- endif -%}
    {%- if dwell.reads_by_load_time() -%}
        {%- set loaded_at = var('events_loaded_at') -%}
        {%- set types = {} -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do types.update({column.name: column.dtype}) -%}
        {%- endfor -%}
        {%- if loaded_at not in types -%}
            {%- do dwell.stop('events_loaded_at names ' ~ loaded_at ~ ', which ' ~ dwell.input_name() ~ ' does not have; it has ' ~ types | join(', ') ~ '.') -%}
        {%- elif not dwell.event_time_kind_of_type(types[loaded_at]) -%}
            {%- do dwell.stop('events_loaded_at names ' ~ loaded_at ~ ', which is ' ~ types[loaded_at] ~ ' in ' ~ dwell.input_name() ~ '. It must be a timestamp in UTC.') -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro read_event_relation() %}
    {%- set relation = dwell.input_relation() -%}
    {%- set described = dwell.describe_relation(relation) if execute else {'mapped': {}, 'time': 'iso'} -%}
    {%- if described is string -%}
        {#- raised by the table that reads it: dbt build tells no error of an ephemeral model -#}
        {{- return(dwell.read_no_rows() ~ ' or error(' ~ dwell.text('dwell: ' ~ described) ~ ') is null') -}}
    {%- endif -%}
    {%- set mapped = described['mapped'] -%}
    {%- set time = dwell.quoted(mapped['event_time']) if mapped else 'null' -%}
select
    {%- for column in dwell.event_columns() if column != 'event_time' %}
    cast({{ dwell.quoted(mapped[column]) if mapped.get(column) else 'null' }} as varchar) as {{ column }},
    {%- endfor %}
    cast({{ time }} as varchar) as event_time,
    {{ dwell.parse_event_time(time, described['time']) }} as event_at,
    cast({{ 1 if dwell.input_is_read_whole() else '(select max(source_number) from ' ~ dwell.event_loads() ~ ')' }} as integer) as source_number,
    {%- if dwell.reads_by_load_time() %}
    cast({{ dwell.quoted(var('events_loaded_at')) }} as timestamp) as received_at,
    {%- else %}
    -- without a load time, the newest event; a clock beyond 2100 is no measure of anything
    max(case when event_at < timestamp '2100-01-01' then event_at end) over () as received_at,
    {%- endif %}
    {{ 'row_number() over ()' if dwell.input_mode() == 'sample' else 'cast(null as bigint)' }} as read_position,
    cast(null as varchar) as unreadable_row
from {{ relation }} as input
{%- if dwell.reads_by_load_time() %}
where {{ dwell.is_read_again(dwell.quoted(var('events_loaded_at'))) }}
{%- endif %}
{% endmacro %}
