{{ config(materialized='ephemeral') }}
{%- set input = dwell.input('heartbeats') -%}
{% if dwell.input_mode(input) == 'sample' -%}
-- depends_on: {{ ref('dwell', 'watch_heartbeats') }}
{% endif -%}
{{ dwell.read_new_rows(input) }}
