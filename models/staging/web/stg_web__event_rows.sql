{% if dwell.input_mode() == 'sample' -%}
-- depends_on: {{ ref('events') }}
{% endif -%}
{{ dwell.read_new_events() }}
