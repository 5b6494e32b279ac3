{{ config(materialized='ephemeral') }}
{%- set input = dwell.input('heartbeats') -%}
-- depends_on: {{ dwell.depend_on_input(input) }}
{{ dwell.read_new_rows(input) }}
