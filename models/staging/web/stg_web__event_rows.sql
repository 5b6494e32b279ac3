{% if dwell.input_mode(dwell.input('events')) == 'sample' -%}
-- depends_on: {{ ref('dwell', 'events') }}
{% endif -%}
{{ dwell.read_new_rows(dwell.input('events')) }}
