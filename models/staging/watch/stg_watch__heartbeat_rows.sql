{{ config(materialized='ephemeral') }}
{%- set input = dwell.input('heartbeats') -%}
{%- if dwell.input_mode(input) == 'sample' -%}
-- the sample: no setting names another input
{{ dwell.read_relation(input, ref('watch_heartbeats')) }}
{%- else -%}
-- depends_on: {{ dwell.depend_on_input(input) }}
{{ dwell.read_new_rows(input) }}
{%- endif %}
