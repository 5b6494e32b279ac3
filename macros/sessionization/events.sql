{# SQL: whether a column is one of some names; names of events are compared as cleaned. #}
{% macro is_one_of(column, names) -%}
    {%- set names = [names] if names is string else names -%}
    {%- if names -%}
        coalesce({{ column }} in {{ dwell.text_list(names | map('trim') | map('lower')) }}, false)
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}


{# What two events of one visitor at one instant must agree in to be duplicates. #}
{% macro event_details() %}
    {%- set further = [] -%}
    {%- for column in ['user_id', 'device_id'] -%}
        {%- if dwell.session_key() | length == 1 -%}{%- do further.append(column) -%}{%- endif -%}
    {%- endfor -%}
    {{- return(['event_name', 'app_version', 'client'] + further + dwell.event_id_columns()) -}}
{% endmacro %}


{# What two rows of a relation must agree in to be the same row that was read twice. #}
{% macro event_identity() -%}
    user_id, device_id, event_name, app_version, client, event_at, received_at, reject_reason, rejected_row
    {{- ', event_id' if dwell.event_id_columns() }}
{%- endmacro %}
