{# Landing files: Kafka's messages as dwell ingest wrote them, with topic, partition, offset, received_at (the
   broker's time stamp) and payload (bytes; null for a tombstone). A file holds every message of a partition
   between its first and its last offset there. #}

{% macro is_landing_file(types) %}
    {{- return('topic' in types and 'partition' in types and 'offset' in types and 'payload' in types) -}}
{% endmacro %}


{# How landing files are read: alike, whatever is in them, so that a file that was made of several gives the
   same rows. #}
{% macro landing_layout(input) %}
    {%- set mapped, kinds = {}, {} -%}
    {%- for column in input.columns -%}
        {%- do mapped.update({column: input.named.get(column, column)}) -%}
    {%- endfor -%}
    {%- for column in input.times -%}
        {%- do kinds.update({column: 'iso' if input.time_format == 'auto' else input.time_format}) -%}
    {%- endfor -%}
    {{- return({'format': 'landing', 'mapped': mapped, 'times': kinds}) -}}
{% endmacro %}


{# As read_files: a payload is taken apart once, and one that is no object, or holds another where a value should
   be, is a row that cannot be read. #}
{% macro read_landing_files(input, layout, files) %}
    {%- set layout = fromjson(layout) -%}
    {%- set keys = layout['mapped'].values() | unique(case_sensitive=true) | list -%}
    {%- set structure = dict.fromkeys(keys, 'VARCHAR') -%}
select
    {%- for column in input.columns %}
    {{ column }},
    {%- endfor %}
    {%- for column, kind in layout['times'].items() %}
    {{ dwell.parse_time(column, kind) }} as {{ dwell.time_read(column) }},
    {%- endfor %}
    source_number,
    received_at,
    read_position,
    case
        when is_readable then null
        else coalesce(message, cast(payload as varchar), '(tombstone)')
    end as unreadable_row,
    {{ dwell.place_columns('topic', 'topic_partition', 'topic_offset') }}
from (
    select
        *,
        {%- for column in input.columns %}
        case when is_readable then struct_extract_at(told, {{ keys.index(layout['mapped'][column]) + 1 }}) end as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            *,
            from_json(json, {{ dwell.text(tojson(structure)) }}) as told,
            {{ dwell.is_readable_json('json', layout['mapped']) | indent(12) }} as is_readable
        from (
            select
                *,
                try_cast(message as json) as json
            from (
                select
                    topic,
                    "partition" as topic_partition,
                    "offset" as topic_offset,
                    cast(received_at as timestamp) as received_at,
                    payload,
                    try(decode(payload)) as message,
                    cast({{ dwell.source_number_list(files) }}[cast(file_index as bigint) + 1] as integer)
                        as source_number,
                    file_row_number + 1 as read_position
                from read_parquet({{ dwell.sql_list(files | map(attribute='source') | list) }})
            ) as landed
        ) as decoded
    ) as taken_apart
) as named
{% endmacro %}


{# Where a message stood, for inputs whose rows come from a topic. #}
{% macro place_columns(topic='null', topic_partition='null', topic_offset='null') -%}
    cast({{ topic }} as {{ dwell.type_text() }}) as topic,
    cast({{ topic_partition }} as {{ dbt.type_int() }}) as topic_partition,
    cast({{ topic_offset }} as {{ dbt.type_bigint() }}) as topic_offset
{%- endmacro %}
