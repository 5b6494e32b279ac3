{# Runs at the start of each run. Stops it if settings are not what settings_specification asks for, contradict each other,
   or differ from those that the stored tables were built with. #}
{% macro check_settings() %}
    {%- if dwell.is_selected() -%}
        {%- do dwell.refuse_models_of_one_name() -%}
        {%- do dwell.check_setting_values() -%}
    {%- endif -%}
    {%- if dwell.is_selected() and dwell.can_query() -%}
        {%- do dwell.check_engine() -%}
        {%- for name in dwell.inputs_in_use() -%}
            {%- set input = dwell.input(name) -%}
            {%- set is_unused = dwell.input_mode(input) == 'none' and not dwell.stores(input) -%}
            {%- if flags.WHICH in ('run', 'build', 'test') and not dwell.stores_from_scratch(input) and not is_unused -%}
                {%- do dwell.check_what_is_stored(input) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{# Whether there is a connection to query; `dbt compile --no-introspect` has none. #}
{% macro can_query() %}
    {{- return(execute and flags.INTROSPECT is not false) -}}
{% endmacro %}


{# Each setting by itself, then those that may contradict each other. Needs no connection. #}
{% macro check_setting_values() %}
    {%- for name, rule in dwell.settings_specification().items() -%}{%- do dwell.check_setting(name, rule) -%}{%- endfor -%}
    {%- for name in dwell.input_names() -%}{%- do dwell.check_input_settings(dwell.input(name)) -%}{%- endfor -%}
    {%- for event in dwell.as_list(var('session_start_events')) if event | trim | lower in dwell.as_list(var('ignored_events')) | map('trim') | map('lower') -%}
        {%- do dwell.raise_error(event ~ ' is in session_start_events and in ignored_events: it cannot both start a session and be no activity. Remove it from one of them.') -%}
    {%- endfor -%}
{% endmacro %}


{# DuckDB names a database after its file, and has databases of its own. A model calls this while it is parsed, because dbt
   creates the schema before any hook. #}
{% macro check_database_name() %}
    {%- set name = target.database -%}
    {%- if target.type == 'duckdb' and (name | lower in ['main', 'temp', 'system'] or modules.re.search('["\']', name)) -%}
        {%- do dwell.raise_error(
            'the database file must not be called ' ~ name ~ ': DuckDB names the database after its file, has databases main, temp, '
            ~ 'and system of its own, and allows no quote in a name. Rename the file, or set DWELL_DATABASE to another.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{# If a project that uses dwell has a model with the name of one of dwell's, dbt gives it to dwell's models and tests, unless
   a flag prevents it. #}
{% macro refuse_models_of_one_name() %}
    {%- for node in graph.nodes.values() if node.package_name == 'dwell' and node.name not in dwell.models_that_read_inputs() -%}
        {%- for id in node.depends_on.nodes
            if id.split('.')[1] != 'dwell' and 'model.dwell.' ~ id.split('.')[2] in graph.nodes -%}
            {%- do dwell.raise_error(
                'dwell has a model ' ~ id.split('.')[2] ~ ' of its own, and dbt would use yours instead. Add to your dbt_project.yml, under '
                ~ 'flags:, require_ref_searches_node_package_before_root: true.'
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}


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


{# What is stored must be of this project, of recorded loads, and of these settings. #}
{% macro check_what_is_stored(input) %}
    {%- set built = run_query('select max(settings) from ' ~ dwell.loads(input)).columns[0].values()[0] -%}
    {%- set now = fromjson(dwell.settings_in_force(input)) -%}
    {%- set before = dict({'project': project_name}, **fromjson(built or '{}')) -%}
    {%- if before['project'] != project_name -%}
        {%- do dwell.raise_error(
            'the tables that begin with dwell_ in the schema ' ~ target.schema ~ ' belong to the project ' ~ before['project']
            ~ '. Give ' ~ project_name ~ ' a schema of its own, in profiles.yml; or, if the project was renamed, rebuild everything with '
            ~ '--full-refresh.'
        ) -%}
    {%- elif not built -%}
        {%- do dwell.refuse_a_copy(input) -%}
    {%- elif before != now -%}
        {%- set differences = [] -%}
        {%- for name in now if now[name] != before.get(name) -%}
            {%- do differences.append(
                name ~ ' was ' ~ tojson(before.get(name)) ~ ' and is ' ~ tojson(now[name])
            ) -%}
        {%- endfor -%}
        {%- do dwell.raise_error(
            'the tables were built with other settings: ' ~ (differences or ['a setting of an older version']) | join('; ')
            ~ '. Set it as before, or rebuild everything with --full-refresh (make: FULL_REFRESH=1), '
            ~ 'or build into another DWELL_DATABASE.'
        ) -%}
    {%- endif -%}
{% endmacro %}
