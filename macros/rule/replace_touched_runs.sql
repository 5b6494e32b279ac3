{# The incremental strategy of the event table and the session table: see macros/rule/_rule.yml. #}
{% macro get_incremental_replace_touched_runs_sql(arg_dict) %}
    {{- return(adapter.dispatch('get_incremental_replace_touched_runs_sql', 'dwell')(arg_dict)) -}}
{% endmacro %}


{% macro default__get_incremental_replace_touched_runs_sql(arg_dict) %}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set recomputed = arg_dict['temp_relation'] -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set meta = config.get('meta') -%}
    {%- set besides = meta.get('entity_besides_visitor', []) -%}
delete from {{ target }}
where load_number < {{ dwell.current_generation(dwell.input(meta['input'])) }};

-- runs can join, so what goes is what lies within a recomputed run, and not what has its key
delete from {{ target }} as stored
using (
    select
        {{ dwell.visitor_as_key() }},
        {{ besides | map('string') | join(', ') ~ ',' if besides }}
        run_started_at,
        max({{ meta['run_reaches_to'] }}) as run_ended_at
    from {{ recomputed }}
    where run_started_at is not null
    group by all
) as recomputed
where
    {{ dwell.is_visitor('stored', 'recomputed') }} and
    {%- for column in besides %}
    stored.{{ column }} = recomputed.{{ column }} and
    {%- endfor %}
    stored.run_started_at between recomputed.run_started_at and recomputed.run_ended_at;

insert into {{ target }} ({{ columns }})
select {{ columns }}
from {{ recomputed }}
{% endmacro %}
