{# The incremental strategy of the tables of events, sessions and streams: see _materializations.yml. #}
{% macro get_incremental_replace_islands_sql(arg_dict) %}
    {{- return(dwell.replace_islands(
        arg_dict['target_relation'], arg_dict['temp_relation'], arg_dict['dest_columns'], config.get('meta')
    )) -}}
{% endmacro %}


{# Statements that replace, in target, the islands that were computed again. #}
{% macro replace_islands(target, recomputed, columns, meta) %}
    {{- return(adapter.dispatch('replace_islands', 'dwell')(target, recomputed, columns, meta)) -}}
{% endmacro %}


{# Where statements are one transaction. #}
{% macro default__replace_islands(target, recomputed, columns, meta) %}
    {%- set starts = dwell.island_start(meta) -%}
    {%- set names = columns | map(attribute='quoted') | join(', ') -%}
{{ dwell.delete_older_generations(target, meta) }};

{{ dwell.remember('dwell_replaced_from', 'select min(' ~ starts ~ ') from ' ~ recomputed) }}

-- islands can join, so a row is deleted if it lies within a recomputed island, and not by its key
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
   A row of the source that represents a stored island matches its rows, and a recomputed row matches nothing. #}
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
        {%- for part in dwell.island_key(meta) %}
        {{ part }} as key_{{ loop.index }},
        {%- endfor %}
        {{ starts }} as replaced_island,
        false as is_replaced,
        {{ names | join(', ') }}
    from {{ recomputed }}

    union all

    -- distinct: an island may have many rows, all of which are deleted
    select distinct
        {%- for part in dwell.island_key(meta, 'stored') %}
        {{ part }} as key_{{ loop.index }},
        {%- endfor %}
        stored.{{ starts }} as replaced_island,
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
        {%- for part in dwell.island_key(meta, 'target') %}
        and {{ part }} = change.key_{{ loop.index }}
        {%- endfor %}
        and target.{{ starts }} = change.replaced_island
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


{# SQL: key, start and end of each island that was computed again. No column of a model has these names: where a row of the
   target has no alias, its columns are written without one. #}
{% macro recomputed_bounds(recomputed, meta) -%}
select
    {%- for part in dwell.island_key(meta) %}
    {{ part }} as key_{{ loop.index }},
    {%- endfor %}
    {{ dwell.island_start(meta) }} as first_at,
    max({{ meta['island_end'] }}) as last_at
from {{ recomputed }}
where {{ dwell.island_start(meta) }} is not null
group by {{ dwell.island_key(meta) | join(', ') }}, {{ dwell.island_start(meta) }}
{%- endmacro %}


{# SQL: whether a stored row is of an island that lies within a recomputed one. #}
{% macro lies_within(stored, recomputed, meta) -%}
    {%- for part in dwell.island_key(meta, stored) -%}
    {{ part }} = {{ recomputed }}.key_{{ loop.index }} and {% endfor -%}
    {{ stored ~ '.' if stored }}{{ dwell.island_start(meta) }} between {{ recomputed }}.first_at and {{ recomputed }}.last_at
{%- endmacro %}


{# What identifies the visitor or stream of an island, as SQL expressions that are never null. #}
{% macro island_key(meta, alias='') %}
    {%- set parts = [] -%}
    {%- for column in meta['island_key'] -%}
        {%- if column == 'visitor' -%}
            {%- for part in dwell.visitor(alias) -%}{%- do parts.append("coalesce(" ~ part ~ ", '')") -%}{%- endfor -%}
        {%- else -%}
            {%- do parts.append((alias ~ '.' if alias else '') ~ column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(parts) -}}
{% endmacro %}
