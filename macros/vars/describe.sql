{# What cuts a run into sessions, in words: ', cut at midnight (UTC) and after 8 hours'; nothing where nothing does. #}
{% macro describe_cuts() %}
    {%- set cuts = [] -%}
    {%- if var('session_split_at_midnight') -%}
        {%- do cuts.append('at midnight (' ~ var('reporting_timezone') ~ ')') -%}
    {%- endif -%}
    {%- if var('session_max_hours') -%}
        {%- do cuts.append('after ' ~ '%g' % (var('session_max_hours') | float) ~ ' hours') -%}
    {%- endif -%}
    {%- if var('session_start_events') -%}
        {%- do cuts.append('at the events ' ~ dwell.as_list(var('session_start_events')) | join(', ')) -%}
    {%- endif -%}
    {{- return(', cut ' ~ cuts | join(' and ') if cuts else '') -}}
{% endmacro %}


{# Which events are left out, in words. #}
{% macro describe_ignored_events() %}
    {%- set ignored = dwell.as_list(var('ignored_events')) -%}
    {{- return(' Ignored events do not count: ' ~ ignored | join(', ') ~ '.' if ignored else '') -}}
{% endmacro %}
