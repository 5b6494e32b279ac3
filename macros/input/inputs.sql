{# What dwell reads, and all that tells one input from another: its settings, its columns, and the tables
   in which it is written down what was read. Macros of this folder take what this one gives. margin_us: how many
   microseconds before the newest load time are read again. #}
{% macro input(name) %}
    {{- return({
        'events': {
            'name': 'events',
            'path': var('events_path'),
            'relation': var('events_relation'),
            'loaded_at': var('events_loaded_at'),
            'named': var('events_columns'),
            'columns': ['event_name', 'user_id', 'app_version', 'event_time', 'device_id', 'client'],
            'times': ['event_time'],
            'time_format': var('event_time_format'),
            'sample': 'events',
            'loads': 'dwell_event_loads',
            'incoming': 'dwell_incoming_event_files',
            'stored_in': 'int_web__events_sessionized',
            'staged_in': none,
            'has_places': false,
            'margin_us': 86400000000,
        },
        'heartbeats': {
            'name': 'heartbeats',
            'path': var('heartbeats_path'),
            'relation': var('heartbeats_relation'),
            'loaded_at': var('heartbeats_loaded_at'),
            'named': var('heartbeats_columns'),
            'columns': ['user_id', 'program_id', 'start_time', 'session_id', 'device', 'event_time'],
            'times': ['event_time', 'start_time'],
            'time_format': var('heartbeats_time_format'),
            'sample': 'watch_heartbeats',
            'loads': 'dwell_heartbeat_loads',
            'incoming': 'dwell_incoming_heartbeat_files',
            'stored_in': 'int_watch__streams',
            'staged_in': 'stg_watch__heartbeats',
            'has_places': true,
            'margin_us': 0,
        },
    }[name]) -}}
{% endmacro %}


{% macro input_names() %}
    {{- return(['events', 'heartbeats']) -}}
{% endmacro %}


{# Where an input comes from: files, relation or sample; or none. The samples are there for those who give no
   input at all: whoever gives events of their own does not want a sample of heartbeats beside them. #}
{% macro input_mode(input) %}
    {%- if input.path -%}{{- return('files') -}}{%- endif -%}
    {%- if input.relation -%}{{- return('relation') -}}{%- endif -%}
    {%- for name in dwell.input_names() if dwell.input(name).path or dwell.input(name).relation -%}
        {{- return('none') -}}
    {%- endfor -%}
    {{- return('sample') -}}
{% endmacro %}


{# Whether a run reads the whole input again, instead of what is new. #}
{% macro input_is_read_whole(input) %}
    {{- return(
        dwell.input_mode(input) == 'sample'
        or (dwell.input_mode(input) == 'relation' and not input.loaded_at)
    ) -}}
{% endmacro %}


{# What people call it. #}
{% macro input_name(input) %}
    {{- return({
        'files': 'files',
        'relation': input.relation,
        'sample': 'seeds/' ~ input.sample ~ '.csv',
        'none': 'none',
    }[dwell.input_mode(input)]) -}}
{% endmacro %}


{# The relation that holds the input, where it is one. #}
{% macro input_relation(input) %}
    {%- if dwell.input_mode(input) == 'sample' -%}
        {%- if not execute -%}{{- return(none) -}}{%- endif -%}
        {%- set seed = graph.nodes['seed.dwell.' ~ input.sample] -%}
        {{- return(api.Relation.create(
            database=seed.database, schema=seed.schema, identifier=seed.alias
        )) -}}
    {%- endif -%}
    {%- set parts = input.relation.split('.') -%}
    {{- return(api.Relation.create(
        database=parts[-3] if parts | length > 2 else target.database,
        schema=parts[-2] if parts | length > 1 else target.schema,
        identifier=parts[-1]
    )) -}}
{% endmacro %}


{# A table of dwell's own, beside the models. #}
{% macro own_table(name) %}
    {{- return(api.Relation.create(
        database=target.database, schema=target.schema, identifier=name
    )) -}}
{% endmacro %}


{# SQL: the latest time that is believed of an event that was received at another. #}
{% macro latest_believed(received_at) -%}
    {{ dwell.later_by(received_at, (var('future_tolerance_minutes') | float * 60000000) | round) }}
{%- endmacro %}


{# The name of a time once it is read: event_time gives event_at. #}
{% macro time_read(column) -%}
    {{- return(modules.re.sub('_time$', '_at', column)) -}}
{%- endmacro %}
