{# Executed at the start of a run: create the tables in which dwell records loads. #}

{% macro create_loads() %}
    {%- if dwell.is_selected() and flags.WHICH in ('run', 'build', 'seed', 'test') and dwell.inputs_in_use() -%}
        {{- dwell.create_own_schema() }}
        {%- for name in dwell.inputs_in_use() %}
        {%- set input = dwell.input(name) %}
{{ dwell.create_table(dwell.loads(input), {
    'load_number': 'bigint',
    'generation': 'bigint',
    'source_number': 'int',
    'source': 'string',
    'size_bytes': 'bigint',
    'modified_at': 'timestamp',
    'rows_before': 'bigint',
    'rows_read': 'bigint',
    'settings': 'string',
    'format': 'string',
}) }};
{{ dwell.create_incoming(input, or_replace=dwell.input_mode(input) == 'none') }};
            {%- if not dwell.has_transactions() %}
{{ dwell.create_table(dwell.lease(input), {'load_number': 'bigint', 'run_id': 'string', 'stored_load_number': 'bigint'}) }};
            {%- endif -%}
        {%- endfor %}
    {%- endif -%}
{% endmacro %}


{% macro create_heartbeat_tables() %}
    {%- if dwell.is_selected() and flags.WHICH in ('run', 'build', 'seed', 'test') and 'heartbeats' in dwell.inputs_in_use() -%}
{{ dwell.create_table(dwell.landed(), {
    'load_number': 'bigint',
    'source_number': 'int',
    'source': 'string',
    'topic': 'string',
    'topic_partition': 'int',
    'first_offset': 'bigint',
    'last_offset': 'bigint',
    'rows_landed': 'bigint',
    'rows_redelivered': 'bigint',
    'rows_accepted': 'bigint',
    'rows_rejected': 'bigint',
    'newest_event_at': 'timestamp',
    'newest_received_at': 'timestamp',
}) }};
{{ dwell.create_table(dwell.rejects(), {
    'load_number': 'bigint',
    'source_number': 'int',
    'source': 'string',
    'topic': 'string',
    'topic_partition': 'int',
    'topic_offset': 'bigint',
    'received_at': 'timestamp',
    'read_position': 'bigint',
    'reject_reason': 'string',
    'rejected_row': 'string',
}) }};
{{ dwell.create_table(dwell.load_times(), {
    'load_number': 'bigint',
    'known_load_time': 'timestamp',
    'rows_read': 'bigint',
}) }};
{{ dwell.create_load_ids() }}
{{ dwell.create_table(dwell.as_of(), {'as_of': 'timestamp'}) }};
{{ dwell.create_table(dwell.pending_partitions(), {
    'messages': 'bigint',
    'complete_to': 'timestamp',
    'is_rebuilding': 'boolean',
    'watermark_at': 'timestamp',
}) }}
        {%- if dwell.reads_files() %};
{{ dwell.create_table(dwell.heartbeat_minutes(), {
    'received_minute': 'timestamp',
    'rows_accepted': 'bigint',
    'rows_rejected': 'bigint',
}) }}
        {%- endif %}
    {%- endif -%}
{% endmacro %}
