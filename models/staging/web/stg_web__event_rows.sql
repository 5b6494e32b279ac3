{%- set input = dwell.input('events') -%}
-- depends_on: {{ dwell.depend_on_input(input) }}
{{ dwell.read_new_rows(input) }}
