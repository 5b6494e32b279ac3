{# Executed at the start of a run, before any setting is read. dbt ignores a setting with an unknown name, and renders a text that looks like Jinja. #}
{% macro check_settings_as_given() %}
    {%- set given = {} -%}
    {%- if dwell.is_selected() -%}{%- do given.update(adapter.config.vars.to_dict().get('dwell', {})) -%}{%- endif -%}
    {%- if execute -%}{%- do given.update(dwell.settings_of_the_command()) -%}{%- endif -%}
    {%- set known = dwell.settings_specification() -%}
    {%- for name in given if name not in known -%}
        {%- set meant = dwell.similar_settings(name) -%}
        {%- do dwell.raise_error(
            'there is no setting ' ~ name ~ '. '
            ~ ('Did you mean ' ~ meant | join(' or ') ~ '?' if meant else 'The settings are ' ~ known | join(', ') ~ '.')
            ~ ' docs/reference/settings.md describes them.'
        ) -%}
    {%- endfor -%}
    {%- for name, value in given.items() if value is string and modules.re.search('[{][{%#]', value) -%}
        {%- do dwell.raise_error(
            name ~ ' must not contain {' ~ '{, {' ~ '% or {' ~ '#, which dbt would render as Jinja. Write a path with such a name in a '
            ~ 'list, and a model without braces, as in ref(...).'
        ) -%}
    {%- endfor -%}
{% endmacro %}


{# What --vars gives to dwell. In another project, variables may be that project's: those count that its dbt_project.yml does
   not name, and that have the name of a setting or nearly so. #}
{% macro settings_of_the_command() %}
    {%- set given = adapter.config.cli_vars -%}
    {%- if 'dwell' in given and (project_name == 'dwell' or dwell.is_selected()) -%}
        {%- do dwell.raise_error(
            "--vars takes a setting by its name alone, as in --vars '{session_timeout_minutes: 20}', and not under dwell:, which only "
            ~ 'dbt_project.yml has.'
        ) -%}
    {%- endif -%}
    {%- if project_name == 'dwell' -%}{{- return(given) -}}{%- endif -%}
    {%- set ours, theirs = {}, adapter.config.vars.to_dict() -%}
    {%- for name, value in given.items() if dwell.is_selected() and name not in theirs
        and (name in dwell.settings_specification() or dwell.nearest_setting(name, 0.7)) -%}
        {%- do ours.update({name: value}) -%}
    {%- endfor -%}
    {{- return(ours) -}}
{% endmacro %}


{# The settings that an unknown name may mean: those that contain it, as session_timeout, or else the nearest one. #}
{% macro similar_settings(name) %}
    {%- set name, similar = name | string | lower, [] -%}
    {%- for setting in dwell.settings_specification() if '_' ~ name ~ '_' in '_' ~ setting ~ '_' -%}
        {%- do similar.append(setting) -%}
    {%- endfor -%}
    {{- return(similar or [dwell.nearest_setting(name, 0.4)] | select | list) -}}
{% endmacro %}


{# The setting that is most like a name, by the pairs of letters that both have (the Sørensen-Dice coefficient); none if all
   are less alike than the least likeness. #}
{% macro nearest_setting(name, least) %}
    {%- set pairs_of_name = dwell.pairs_of_letters(name) -%}
    {%- set nearest = namespace(name=none, likeness=least) -%}
    {%- for setting in dwell.settings_specification() -%}
        {%- set pairs = dwell.pairs_of_letters(setting) -%}
        {%- set likeness = 2 * (pairs | select('in', pairs_of_name) | list | length)
            / (pairs | length + pairs_of_name | length) -%}
        {%- if likeness > nearest.likeness -%}
            {%- set nearest.name, nearest.likeness = setting, likeness -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(nearest.name) -}}
{% endmacro %}


{% macro pairs_of_letters(name) %}
    {%- set pairs, name = [], name | string -%}
    {%- for i in range(name | length - 1) -%}{%- do pairs.append(name[i:i + 2]) -%}{%- endfor -%}
    {{- return(pairs | unique | list) -}}
{% endmacro %}
