{# Executed at the start of a run. Checks the inputs, so that errors in them are reported at once. The sample is checked when
   it is read, because dbt loads it during the run; and so is a relation that the run builds. #}
{% macro prepare_inputs() %}
    {%- do dwell.run_cache('hooks').update({'have_run': true}) -%}
    {%- set names = dwell.inputs_in_use() if dwell.is_selected() else [] -%}
    {%- for name in names -%}{%- do dwell.refuse_half_an_input(dwell.input(name)) -%}{%- endfor -%}
    {%- do dwell.refuse_no_input(names) -%}
    {#- files first: dbt begins a transaction where it looks at a relation, and rolls back what follows -#}
    {%- for mode in ['files', 'relation'] if not flags.EMPTY -%}
        {%- for name in names -%}
            {%- set input = dwell.input(name) -%}
            {%- if dwell.stores(input) and dwell.input_mode(input) == mode and not dwell.is_built_by_this_run(input) -%}
                {%- do dwell.prepare_input(input, dwell.stored_table(input)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}


{# A package has no sample to fall back on. #}
{% macro refuse_no_input(names) %}
    {%- set given, wanting = [], [] -%}
    {%- for name in names -%}
        {%- set input = dwell.input(name) -%}
        {%- if dwell.input_mode(input) != 'none' -%}{%- do given.append(name) -%}
        {%- elif dwell.stores(input) -%}{%- do wanting.append(name) -%}{%- endif -%}
    {%- endfor -%}
    {%- if wanting and not given -%}
        {%- do dwell.raise_error(
            'no setting names its input. Under vars: dwell: in dbt_project.yml, set ' ~ wanting | join('_relation or ')
            ~ "_relation, as in ref('my_" ~ wanting[0] ~ "'); or disable its models, as in models: dwell: +enabled: false."
        ) -%}
    {%- endif -%}
{% endmacro %}
