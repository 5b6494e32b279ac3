{# The inputs, and everything in which they differ: settings, columns, and the tables that record what was read. Other macros
   of this folder take the result as an argument. has_offsets: whether rows may come from a topic. margin_us: how many
   microseconds before the last window of load times are read again. keeps_rows: whether every row is stored, so that a row
   that is read again is recognised by its values. #}
{% macro input(name) %}
    {{- return({
        'events': {
            'name': 'events',
            'path': var('events_path'),
            'relation': var('events_relation'),
            'loaded_at': var('events_loaded_at'),
            'named': var('events_columns'),
            'format': var('events_format'),
            'csv': var('events_csv'),
            'json': var('events_json'),
            'columns': ['event_name', 'user_id', 'app_version', 'event_time', 'device_id', 'client']
                + dwell.event_id_columns(),
            'times': ['event_time'],
            'ids': ['user_id', 'device_id'],
            'time_setting': 'event_time_format',
            'time_format': var('event_time_format'),
            'received_at': var('events_received_at'),
            'sample': 'events',
            'loads': 'dwell_event_loads',
            'incoming': 'dwell_incoming_event_files',
            'lease': 'dwell_event_lease',
            'read_by': 'stg_web__event_rows',
            'stored_in': 'int_web__events_sessionized',
            'staged_in': none,
            'has_offsets': false,
            'margin_us': 86400000000,
            'keeps_rows': true,
        },
        'heartbeats': {
            'name': 'heartbeats',
            'path': var('heartbeats_path'),
            'relation': var('heartbeats_relation'),
            'loaded_at': var('heartbeats_loaded_at'),
            'named': var('heartbeats_columns'),
            'format': var('heartbeats_format'),
            'csv': var('heartbeats_csv'),
            'json': var('heartbeats_json'),
            'columns': ['user_id', 'program_id', 'start_time', 'session_id', 'device', 'event_time'],
            'times': ['event_time', 'start_time'],
            'ids': ['user_id', 'program_id', 'session_id', 'device'],
            'time_setting': 'heartbeats_time_format',
            'time_format': var('heartbeats_time_format'),
            'received_at': var('heartbeats_received_at'),
            'sample': 'watch_heartbeats',
            'loads': 'dwell_heartbeat_loads',
            'incoming': 'dwell_incoming_heartbeat_files',
            'lease': 'dwell_heartbeat_lease',
            'read_by': 'stg_watch__heartbeat_rows',
            'stored_in': 'int_watch__streams',
            'staged_in': 'stg_watch__heartbeats',
            'has_offsets': true,
            'margin_us': 86400000000,
            'keeps_rows': false,
        },
    }[name]) -}}
{% endmacro %}


{# The seventh column, which an input of events has if a setting names it: an id that distinguishes two events that are equal
   otherwise. #}
{% macro event_id_columns() %}
    {%- set named = var('events_columns') -%}
    {{- return(['event_id'] if named is mapping and 'event_id' in named else []) -}}
{% endmacro %}


{% macro input_names() %}
    {{- return(['events', 'heartbeats']) -}}
{% endmacro %}


{# The models that read the inputs, and alone depend on what is not dwell's. #}
{% macro models_that_read_inputs() %}
    {%- set names = [] -%}
    {%- for name in dwell.input_names() -%}{%- do names.append(dwell.input(name).read_by) -%}{%- endfor -%}
    {{- return(names) -}}
{% endmacro %}


{# The inputs whose models are enabled. In another project, some of dwell's models may be disabled, or all of them if only its
   macros are used. #}
{% macro inputs_in_use() %}
    {%- set names = [] -%}
    {%- for name in dwell.input_names() if 'model.dwell.' ~ dwell.input(name).stored_in in graph.nodes -%}
        {%- do names.append(name) -%}
    {%- endfor -%}
    {{- return(names) -}}
{% endmacro %}


{# Whether a run has anything to do with dwell: the hooks of a package run with every command of the project that
   uses it. #}
{% macro is_selected() %}
    {%- for id in selected_resources if execute and id.split('.')[1] == 'dwell' -%}{{- return(true) -}}{%- endfor -%}
    {{- return(false) -}}
{% endmacro %}


{# Where an input comes from: files, relation, or sample; or none. The samples are read only if no input is set at all: with
   events of your own, a sample of heartbeats would be wrong, and with dwell as a package, both would be. #}
{% macro input_mode(input) %}
    {%- if input.path -%}{{- return('files') -}}{%- endif -%}
    {%- if input.relation -%}{{- return('relation') -}}{%- endif -%}
    {%- if project_name != 'dwell' -%}{{- return('none') -}}{%- endif -%}
    {%- for name in dwell.input_names() if dwell.input(name).path or dwell.input(name).relation -%}
        {{- return('none') -}}
    {%- endfor -%}
    {{- return('sample') -}}
{% endmacro %}


{# Whether each run reads the entire input again, instead of what is new. #}
{% macro is_read_entirely(input) %}
    {{- return(
        dwell.input_mode(input) == 'sample'
        or (dwell.input_mode(input) == 'relation' and not input.loaded_at)
    ) -}}
{% endmacro %}


{# The name of an input in messages. #}
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
    {%- if dwell.is_of_dbt(input) -%}
        {%- if not execute -%}{{- return(none) -}}{%- endif -%}
        {%- set id = dwell.dbt_input(input) -%}
        {%- set node = graph.nodes[id] if id in graph.nodes else graph.sources[id] -%}
        {%- if dwell.is_deferred(node) -%}{%- set node = node.defer_relation -%}{%- endif -%}
        {{- return(api.Relation.create(
            database=node.database, schema=node.schema, identifier=node.alias or node.identifier
        )) -}}
    {%- endif -%}
    {%- set parts = input.relation.split('.') -%}
    {{- return(api.Relation.create(
        database=parts[-3] if parts | length > 2 else target.database,
        schema=parts[-2] if parts | length > 1 else target.schema,
        identifier=parts[-1]
    )) -}}
{% endmacro %}


{# Whether --defer takes a node from another target, by the rule of dbt's own ref(). #}
{% macro is_deferred(node) %}
    {%- if not invocation_args_dict.get('defer') or not node.defer_relation -%}{{- return(false) -}}{%- endif -%}
    {{- return(
        (invocation_args_dict.get('favor_state') and node.unique_id not in selected_resources)
        or adapter.get_relation(node.database, node.schema, node.alias) is none
    ) -}}
{% endmacro %}


{# What an input's setting names in dbt's own words, as unit tests do: ['ref', 'my_events'], ['source', 'app', 'events'];
   none for a table that dbt knows nothing of. #}
{% macro parsed_reference(input) %}
    {%- set found = modules.re.match(
        "^(?:(ref)[(](?:{0},)?{0}[)]|(source)[(]{0},{0}[)])$".replace('{0}', " *[\"']([^\"']+)[\"'] *"),
        (input.relation or '') | string
    ) -%}
    {{- return(found.groups() | select('string') | list if found else none) -}}
{% endmacro %}


{# Whether dbt knows the relation, and so builds it before dwell reads it. #}
{% macro is_of_dbt(input) %}
    {{- return(
        dwell.input_mode(input) == 'sample'
        or (dwell.input_mode(input) == 'relation' and dwell.parsed_reference(input) is not none)
    ) -}}
{% endmacro %}


{# Makes the model that reads an input depend on it, where a setting names it in dbt's terms; the model itself names the
   sample. Returns its name. #}
{% macro depend_on_input(input) %}
    {%- do dwell.check_database_name() -%}
    {%- if dwell.is_of_dbt(input) -%}
        {%- set words = dwell.parsed_reference(input) -%}
        {{- return(ref(*words[1:]) if words[0] == 'ref' else source(*words[1:])) -}}
    {%- endif -%}
    {{- return('nothing') -}}
{% endmacro %}


{# Its id, as dbt has found it. #}
{% macro dbt_input(input) %}
    {{- return(graph.nodes['model.dwell.' ~ input.read_by].depends_on.nodes | first) -}}
{% endmacro %}


{% macro is_ephemeral(input) %}
    {%- set node = graph.nodes.get(dwell.dbt_input(input)) if dwell.is_of_dbt(input) else none -%}
    {{- return(node is not none and node.config.materialized == 'ephemeral') -}}
{% endmacro %}


{# Whether this run builds the input itself, so that it can only be looked at when it is read. #}
{% macro is_built_by_this_run(input) %}
    {{- return(dwell.is_of_dbt(input) and dwell.dbt_input(input) in selected_resources) -}}
{% endmacro %}


{# A table of dwell's own, in the schema of the models. #}
{% macro own_table(name) %}
    {{- return(api.Relation.create(
        database=target.database, schema=target.schema, identifier=name
    )) -}}
{% endmacro %}


{# SQL: the year 2100. A later time is no plausible time of receipt. #}
{% macro latest_plausible_time() -%}
    {{ dwell.moment(4102444800000000) }}
{%- endmacro %}


{# SQL: the latest time that is believed of an event that was received at another. #}
{% macro latest_believed(received_at) -%}
    {{ dwell.later_by(received_at, (var('future_tolerance_minutes') | float * 60000000) | round) }}
{%- endmacro %}


{# The name of a time once it is read: event_time gives event_at. #}
{% macro parsed_time_column(column) -%}
    {{- return(modules.re.sub('_time$', '_at', column)) -}}
{%- endmacro %}
