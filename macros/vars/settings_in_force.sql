{# JSON: the settings that the stored rows of an input depend on. #}
{% macro settings_in_force(input) %}
    {%- set values = {'input': dwell.input_name(input), 'project': project_name} -%}
    {%- for name, rule in dwell.settings_specification().items() if input.name in rule.full_refresh and rule.type != 'relation' -%}
        {%- do values.update({name: var(name)}) -%}
    {%- endfor -%}
    {%- if 'session_key' in values -%}
        {%- do values.update({'session_key': dwell.session_key() | sort}) -%}
    {%- endif -%}
    {%- do values.update({'earliest_event_date': var('earliest_event_date') | string}) -%}
    {%- if var('pseudonymize_user_ids') -%}
        {%- do values.update({'pseudonym_key': dwell.fingerprint_of_key()}) -%}
    {%- endif -%}
    {{- return(tojson(values, sort_keys=true)) -}}
{% endmacro %}
