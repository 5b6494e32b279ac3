{# The incremental strategy of the tables of events, sessions and streams: see macros/rule/_rule.yml. #}
{% macro get_incremental_replace_touched_runs_sql(arg_dict) %}
    {{- return(adapter.dispatch('get_incremental_replace_touched_runs_sql', 'dwell')(arg_dict)) -}}
{% endmacro %}


{% macro default__get_incremental_replace_touched_runs_sql(arg_dict) %}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set recomputed = arg_dict['temp_relation'] -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set meta = config.get('meta') -%}
    {%- set starts = meta.get('run_starts_at', 'run_started_at') -%}
delete from {{ target }}
where load_number < {{ dwell.current_generation(dwell.input(meta['input'])) }};

{{ dwell.remember('dwell_replaced_from', 'select min(' ~ starts ~ ') from ' ~ recomputed) }};

-- runs can join, so what goes is what lies within a recomputed run, and not what has its key
delete from {{ target }} as stored
using (
    select
        {%- for part in dwell.entity_of_runs(meta) %}
        {{ part }} as entity_{{ loop.index }},
        {%- endfor %}
        {{ starts }} as run_started_at,
        max({{ meta['run_reaches_to'] }}) as run_ended_at
    from {{ recomputed }}
    where {{ starts }} is not null
    group by all
) as recomputed
where
    {%- for part in dwell.entity_of_runs(meta, 'stored') %}
    {{ part }} = recomputed.entity_{{ loop.index }} and
    {%- endfor %}
    stored.{{ starts }} between recomputed.run_started_at and recomputed.run_ended_at
    and stored.{{ starts }} >= {{ dwell.remembered('dwell_replaced_from') }};

insert into {{ target }} ({{ columns }})
select {{ columns }}
from {{ recomputed }}
{% endmacro %}


{# What runs are kept apart by, as SQL expressions that are never null. #}
{% macro entity_of_runs(meta, alias='') %}
    {%- set parts = [] -%}
    {%- for column in meta['entity'] -%}
        {%- if column == 'visitor' -%}
            {%- for part in dwell.visitor(alias) -%}{%- do parts.append("coalesce(" ~ part ~ ", '')") -%}{%- endfor -%}
        {%- else -%}
            {%- do parts.append((alias ~ '.' if alias else '') ~ column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(parts) -}}
{% endmacro %}
