{# Landing files: Kafka's messages as dwell ingest wrote them, with topic, partition, offset, received_at (the
   broker's time stamp) and payload (bytes; null for a tombstone). A file holds every message of a partition
   between its first and its last offset there. #}

{% macro is_landing_file(types) %}
    {{- return('topic' in types and 'partition' in types and 'offset' in types and 'payload' in types) -}}
{% endmacro %}


{# How landing files are read: all alike, whatever their content, so that a compacted file gives the same rows as the files
   that it was made from. #}
{% macro landing_layout(input) %}
    {%- set mapped, kinds = {}, {} -%}
    {%- for column in input.columns -%}
        {#- the messages are not inspected first: of several sources, the first that a message has counts -#}
        {%- set sources = [] -%}
        {%- for name in dwell.as_sources(input.named.get(column, column)) -%}
            {%- do sources.append({'value': name['value'] | string} if name is mapping else {'column': name | trim}) -%}
            {%- if name is string and '.' in name -%}{%- do sources.append({'path': (name | trim).split('.')}) -%}{%- endif -%}
        {%- endfor -%}
        {%- do mapped.update({column: {'first_of': sources}}) -%}
    {%- endfor -%}
    {%- for column in input.times -%}
        {%- do kinds.update({column: 'iso_or_epoch' if input.time_format == 'auto' else input.time_format}) -%}
    {%- endfor -%}
    {{- return({'format': 'landing', 'mapped': mapped, 'times': kinds}) -}}
{% endmacro %}


{# Like read_files. Each payload is parsed once. A payload that is not an object, or has an object or a list in place of a
   value, is an unreadable row. #}
{% macro read_landing_files(input, layout, files) %}
    {%- set layout = fromjson(layout) -%}
    {%- set mapped = layout['mapped'] -%}
select
    {%- for column in input.columns %}
    {{ column }},
    {%- endfor %}
    {%- for column, kind in layout['times'].items() %}
    {{ dwell.parse_time(column, kind) }} as {{ dwell.parsed_time_column(column) }},
    {%- endfor %}
    source_number,
    received_at,
    read_position,
    case
        when is_readable then null
        else coalesce(message, cast(payload as varchar), '(tombstone)')
    end as unreadable_row,
    {{ dwell.offset_columns('topic', 'topic_partition', 'topic_offset', dwell.message_without_a_field(input)) }}
from (
    select
        *,
        {%- for column in input.columns %}
        case when is_readable then {{ dwell.value_in_json('json', mapped, mapped[column], 'fields') }} end as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            *,
            json_extract_string(json, {{ dwell.sql_list(dwell.json_pointers(mapped)) }}) as fields,
            {{ dwell.is_readable_json('json', mapped) | indent(12) }} as is_readable
        from (
            select
                *,
                {{ dwell.json_of_message('message') | indent(16) }} as json
            from (
                select
                    topic,
                    "partition" as topic_partition,
                    "offset" as topic_offset,
                    make_timestamp(epoch_us(received_at)) as received_at,
                    payload,
                    try(decode({{ dwell.without_schema_id('payload') }})) as message,
                    cast({{ dwell.source_number_list(files) }}[cast(file_index as bigint) + 1] as integer)
                        as source_number,
                    file_row_number + 1 as read_position
                from {{ dwell.read_parquet(files | map(attribute='source') | list) }}
            ) as landed
        ) as decoded
    ) as parsed
) as named
{% endmacro %}


{# SQL: the entire message if it lacks a field, so that its reject shows what it has instead; null for all other messages,
   which are most. #}
{% macro message_without_a_field(input) -%}
    {%- set missing = [] -%}
    {%- for column in input.columns -%}{%- do missing.append(column ~ ' is null') -%}{%- endfor -%}
    case when is_readable and ({{ missing | join(' or ') }}) then message end
{%- endmacro %}


{# SQL: a payload without the header that Confluent's serializers write: a zero byte, and a schema's id in four. No JSON
   begins with a zero byte. #}
{% macro without_schema_id(payload) -%}
    case when {{ payload }}[1:1] = '\x00'::blob then {{ payload }}[6:] else {{ payload }} end
{%- endmacro %}


{# SQL: the JSON of a message; null where it is none. A byte order mark is left out, and JSON that was encoded twice, which
   is a string, is decoded twice. #}
{% macro json_of_message(message) -%}
    try_cast(case
        when starts_with({{ message }}, '"') then json_extract_string(try_cast({{ message }} as json), '$')
        when starts_with({{ message }}, chr(65279)) then substring({{ message }}, 2)
        else {{ message }}
    end as json)
{%- endmacro %}


{# The topic, partition, and offset of a message, for inputs whose rows come from a topic; and the message, if it lacks a
   field. #}
{% macro offset_columns(topic='null', topic_partition='null', topic_offset='null', message='null') -%}
    cast({{ topic }} as {{ dwell.type_text() }}) as topic,
    cast({{ topic_partition }} as {{ dbt.type_int() }}) as topic_partition,
    cast({{ topic_offset }} as {{ dbt.type_bigint() }}) as topic_offset,
    cast({{ message }} as {{ dwell.type_text() }}) as incomplete_message
{%- endmacro %}
