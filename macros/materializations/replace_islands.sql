{# The incremental strategy of the tables of events, sessions and streams: see _materializations.yml. #}
{% macro get_incremental_replace_islands_sql(arg_dict) %}
    {{- return(dwell.replace_islands(
        arg_dict['target_relation'], arg_dict['temp_relation'], arg_dict['dest_columns'], config.get('meta')
    )) -}}
{% endmacro %}


{# Statements that replace, in target, the runs that were computed again. #}
{% macro replace_islands(target, recomputed, columns, meta) %}
    {{- return(adapter.dispatch('replace_islands', 'dwell')(target, recomputed, columns, meta)) -}}
{% endmacro %}


{# Where statements are one transaction. #}
{% macro default__replace_islands(target, recomputed, columns, meta) %}
    {%- set starts = dwell.island_start(meta) -%}
    {%- set names = columns | map(attribute='quoted') | join(', ') -%}
{{ dwell.delete_older_generations(target, meta) }};

{{ dwell.remember('dwell_replaced_from', 'select min(' ~ starts ~ ') from ' ~ recomputed) }}

-- runs can join, so what goes is what lies within a recomputed run, and not what has its key
delete from {{ target }} as stored
using (
    {{ dwell.recomputed_bounds(recomputed, meta) | indent(4) }}
) as recomputed
where
    {{ dwell.lies_within('stored', 'recomputed', meta) }}
    and {{ dwell.is_since('stored.' ~ starts, 'dwell_replaced_from') }};

insert into {{ target }} ({{ names }})
select {{ names }}
from {{ recomputed }}
{% endmacro %}


{# Where dbt's statements are no transaction: one MERGE that deletes and inserts, after the checks of what would be wrong.
   A row of the source that stands for a stored run matches its rows, and a recomputed one matches nothing. #}
{% macro merge_affected_islands(target, recomputed, columns, meta) %}
    {%- set starts = dwell.island_start(meta) -%}
    {%- set names = columns | map(attribute='quoted') | list -%}
    {%- set input = dwell.input(meta['input']) -%}
{{ dwell.begin_transaction(dwell.lease(input)) }}
{{ dwell.check_lease(input) }}
    {%- if target.identifier | lower == input.stored_in %}
{{ dwell.check_nothing_stored_since(input, target) }}
        {%- if input.keeps_rows %}
{{ dwell.check_rows_arrived(input, recomputed) }};
{{ dwell.check_rejected_ratio(input, recomputed) }};
        {%- endif %}
    {%- endif %}
{{ dwell.delete_older_generations(target, meta) }};

merge into {{ target }} as target
using (
    select
        {%- for part in dwell.entity_of_islands(meta) %}
        {{ part }} as entity_{{ loop.index }},
        {%- endfor %}
        {{ starts }} as replaced_run,
        false as is_replaced,
        {{ names | join(', ') }}
    from {{ recomputed }}

    union all

    -- distinct: a run may have many rows, and goes as a whole
    select distinct
        {%- for part in dwell.entity_of_islands(meta, 'stored') %}
        {{ part }} as entity_{{ loop.index }},
        {%- endfor %}
        stored.{{ starts }} as replaced_run,
        true as is_replaced,
        {%- for column in columns %}
        cast(null as {{ column.data_type }}) as {{ column.quoted }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ target }} as stored
    inner join (
        {{ dwell.recomputed_bounds(recomputed, meta) | indent(8) }}
    ) as recomputed
        on {{ dwell.lies_within('stored', 'recomputed', meta) }}
) as change
    on
        change.is_replaced
        {%- for part in dwell.entity_of_islands(meta, 'target') %}
        and {{ part }} = change.entity_{{ loop.index }}
        {%- endfor %}
        and target.{{ starts }} = change.replaced_run
when matched then delete
when not matched and not change.is_replaced then insert ({{ names | join(', ') }})
values ({% for name in names %}change.{{ name }}{{ ', ' if not loop.last }}{% endfor %})
{{ dwell.commit_transaction() }}
{% endmacro %}


{% macro delete_older_generations(target, meta) -%}
delete from {{ target }}
where load_number < {{ dwell.current_generation(dwell.input(meta['input'])) }}
{%- endmacro %}


{% macro island_start(meta) %}
    {{- return(meta.get('island_start', 'island_started_at')) -}}
{% endmacro %}


{# SQL: entity, start and end of each run that was computed again. #}
{% macro recomputed_bounds(recomputed, meta) -%}
select
    {%- for part in dwell.entity_of_islands(meta) %}
    {{ part }} as entity_{{ loop.index }},
    {%- endfor %}
    {{ dwell.island_start(meta) }} as begins_at,
    max({{ meta['island_end'] }}) as reaches_to
from {{ recomputed }}
where {{ dwell.island_start(meta) }} is not null
group by {{ dwell.entity_of_islands(meta) | join(', ') }}, {{ dwell.island_start(meta) }}
{%- endmacro %}


{# SQL: whether a stored row is of a run that lies within a recomputed one. #}
{% macro lies_within(stored, recomputed, meta) -%}
    {%- for part in dwell.entity_of_islands(meta, stored) -%}
    {{ part }} = {{ recomputed }}.entity_{{ loop.index }} and {% endfor -%}
    {{ stored ~ '.' if stored }}{{ dwell.island_start(meta) }} between {{ recomputed }}.begins_at and {{ recomputed }}.reaches_to
{%- endmacro %}


{# What runs are kept apart by, as SQL expressions that are never null. #}
{% macro entity_of_islands(meta, alias='') %}
    {%- set parts = [] -%}
    {%- for column in meta['partition_by'] -%}
        {%- if column == 'visitor' -%}
            {%- for part in dwell.visitor(alias) -%}{%- do parts.append("coalesce(" ~ part ~ ", '')") -%}{%- endfor -%}
        {%- else -%}
            {%- do parts.append((alias ~ '.' if alias else '') ~ column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(parts) -}}
{% endmacro %}
