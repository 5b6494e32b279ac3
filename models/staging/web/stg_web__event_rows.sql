{%- set input = dwell.input('events') -%}
{%- if dwell.input_mode(input) == 'sample' -%}
-- the sample: no setting names another input
{{ dwell.read_relation(input, ref('events')) }}
{%- else -%}
-- depends_on: {{ dwell.depend_on_input(input) }}
{{ dwell.read_new_rows(input) }}
{%- endif %}
