{# The tables in which dwell records what became of heartbeats. Declared as sources in models/staging. #}

{% macro landed() %}
    {{- return(dwell.own_table('dwell_heartbeats_landed')) -}}
{% endmacro %}

{% macro rejects() %}
    {{- return(dwell.own_table('dwell_heartbeats_rejected')) -}}
{% endmacro %}

{% macro heartbeat_minutes() %}
    {{- return(dwell.own_table('dwell_heartbeat_minutes')) -}}
{% endmacro %}

{% macro as_of() %}
    {{- return(dwell.own_table('dwell_watch_as_of')) -}}
{% endmacro %}
