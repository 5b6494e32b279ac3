{# A lease per input, where a statement is all that is atomic (has_transactions is false). A run that was killed can leave
   a statement running on the server, and two runs can overlap. The lease fences them: a run takes it at its start, from
   any run that holds it, and every write checks it. So the last run to begin is the one that writes, and no run waits for
   one that is dead. As in Kafka's transactions, a number that only grows distinguishes an old writer from a new one.

   The one row: load_number, of the run that holds the lease; run_id, dbt's invocation_id of that run;
   stored_load_number, the newest load in the stored table when that run began. #}

{% macro lease(input) %}
    {{- return(dwell.own_table(input.lease)) -}}
{% endmacro %}


{# Whether this run writes a table that is made of an input: the one that stores it, or one that is computed from it. #}
{% macro writes_rows_of(name) %}
    {%- for id in selected_resources if id in graph.nodes and graph.nodes[id].config.get('meta', {}).get('input') == name -%}
        {{- return(true) -}}
    {%- endfor -%}
    {{- return(false) -}}
{% endmacro %}


{% macro take_lease(input) %}
    {%- do dwell.run_statements('
insert into ' ~ dwell.lease(input) ~ ' (load_number, run_id, stored_load_number)
select newest, cast(null as ' ~ dwell.type_text() ~ '), cast(null as ' ~ dbt.type_bigint() ~ ')
from (select coalesce(max(load_number), 0) as newest from ' ~ dwell.loads(input) ~ ') as loaded
where not exists (select 1 from ' ~ dwell.lease(input) ~ ');
update ' ~ dwell.lease(input) ~ '
set load_number = load_number + 1, run_id = ' ~ dwell.text(invocation_id) ~ '
where true;
') -%}
    {%- set taken = run_query(
        'select max(load_number) from ' ~ dwell.lease(input) ~ ' where run_id = ' ~ dwell.text(invocation_id)
    ).columns[0].values()[0] -%}
    {%- if taken is none -%}
        {%- do dwell.raise_error('another run has begun since this one did. This run has changed nothing; run dbt again when the other has ended.') -%}
    {%- endif -%}
    {%- do dwell.run_cache('load_numbers').update({input.name: taken | int}) -%}
{% endmacro %}


{# Loads whose rows were never stored: their runs died, or were fenced off, after they recorded the load. At most one
   load is stored between two runs that take the lease, and it is the newest in the table; so any other load since
   then was not. Its rows are read again. #}
{% macro forget_dead_loads(input) %}
    {%- set stored = dwell.stored_table(input) -%}
    {%- if stored is not none -%}
        {%- set newest = dwell.newest_stored_load(stored) -%}
        {%- set seen = run_query(
            'select max(stored_load_number) from ' ~ dwell.lease(input)
        ).columns[0].values()[0] -%}
        {%- if not dwell.full_refresh_died(input) -%}
            {%- for table in [dwell.loads(input)] + (
                [dwell.landed(), dwell.rejects(), dwell.load_times()] if input.has_offsets else []
            ) -%}
                {%- do run_query(
                    'delete from ' ~ table ~ ' where load_number > ' ~ (seen if seen is not none else newest)
                    ~ ' and load_number <> ' ~ newest
                ) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- do run_query('update ' ~ dwell.lease(input) ~ ' set stored_load_number = ' ~ newest ~ ' where true') -%}
    {%- endif -%}
{% endmacro %}


{% macro newest_stored_load(stored) %}
    {{- return(run_query(
        'select coalesce(max(load_number), 0) from ' ~ stored
    ).columns[0].values()[0] | int) -}}
{% endmacro %}


{# SQL, a statement: fails if another run has taken the lease. #}
{% macro check_lease(input, changed='This run has changed nothing') -%}
    {%- if not dwell.has_transactions() -%}
select {{ dwell.fail_with(dwell.text(
    'dwell: another run of ' ~ input.name ~ ' has begun since this one did. ' ~ changed ~ '; run dbt again when the other has ended.'
)) }}
from (select 1 as one) as always
where not exists (
    select 1 from {{ dwell.lease(input) }} where run_id = {{ dwell.text(invocation_id) }}
);
    {%- endif -%}
{%- endmacro %}


{# SQL, a statement: fails if rows of a load were stored since this run began, as by a statement that a dead run left
   running. What this run has computed does not know of them. #}
{% macro check_nothing_stored_since(input, target) -%}
select {{ dwell.fail_with(dwell.text(
    'dwell: ' ~ target.identifier ~ ' was changed by an earlier run while this one computed. This run has changed nothing; run dbt again.'
)) }}
from (select coalesce(max(load_number), 0) as newest from {{ target }}) as stored
where newest <> (select max(stored_load_number) from {{ dwell.lease(input) }});
{%- endmacro %}
