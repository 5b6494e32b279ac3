{# Rows for unit tests of the rule: 'user device time [name]', with - for none, on 2025-03-01 if the
   time names no day. Written out because dbt wants every column of an ephemeral model. #}
{% macro unit_test_events(events) %}
    {%- for event in events %}
    {%- set parts = event.split(' ') -%}
    {%- set time = parts[2] if 'T' in parts[2] else '2025-03-01T' ~ parts[2] %}
    select
        {{ 'null' if parts[0] == '-' else dwell.text(parts[0]) }} as user_id,
        {{ 'null' if parts[1] == '-' else dwell.text(parts[1]) }} as device_id,
        {{ dwell.text(parts[3] if parts | length > 3 else 'view') }} as event_name,
        '1.0' as app_version,
        'web' as client,
        {%- for column in dwell.event_id_columns() %}
        cast(null as {{ dwell.type_text() }}) as {{ column }},
        {%- endfor %}
        timestamp {{ dwell.text(time | replace('T', ' ')) }} as event_at,
        cast(null as {{ dbt.type_timestamp() }}) as received_at,
        1 as source_number,
        cast(null as {{ dwell.type_text() }}) as reject_reason,
        cast(null as {{ dbt.type_bigint() }}) as read_position,
        cast(null as {{ dwell.type_text() }}) as rejected_row
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{% endmacro %}


{# Rows for unit tests of staging, received at 2025-03-31 00:00:00; empty text is null. #}
{% macro unit_test_rows(rows) %}
    {%- for row in rows %}
    {%- set parts = row.split('|') %}
    select
        {%- for column in dwell.input('events').columns %}
        nullif({{ dwell.text(parts[loop.index0] | default('')) }}, '') as {{ column }},
        {%- endfor %}
        {%- if modules.re.match('[0-9]', parts[3]) %}
        timestamp {{ dwell.text(parts[3]) }} as event_at,
        {%- else %}
        cast(null as {{ dbt.type_timestamp() }}) as event_at,
        {%- endif %}
        1 as source_number,
        {{ dwell.utc_midnight('2025-03-31') }} as received_at,
        {{ loop.index }} as read_position,
        cast(null as {{ dwell.type_text() }}) as unreadable_row
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{% endmacro %}
