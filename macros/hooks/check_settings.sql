{# Executed at the start of a run. Stops it if settings are not what settings_specification asks for, contradict each other,
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
