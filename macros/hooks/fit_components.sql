{# Pre-hook: executes the steps, three in a statement, until a statement adds none. (Engines evaluate a step again each time
   that another names it, so that more steps in a statement would take longer.) #}
{% macro fit_components(histogram) -%}
    {{- return(adapter.dispatch('fit_components', 'dwell')(histogram)) -}}
{%- endmacro %}


{% macro duckdb__fit_components(histogram) -%}
{%- endmacro %}


{% macro default__fit_components(histogram) -%}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- set table = dwell.scratch('dwell_component_steps') -%}
        {%- set bins = '(' ~ dwell.mixture_bins(histogram) ~ ')' -%}
        {%- do dwell.run_statements(dwell.create_scratch('dwell_component_steps', dwell.first_components(bins ~ ' as bins'))) -%}
        {%- set ns = namespace(last=-1, now=0) -%}
        {%- for _ in range(101) if ns.now > ns.last -%}
            {%- do run_query(dwell.more_components(table, bins)) -%}
            {%- set ns.last = ns.now -%}
            {%- set ns.now = run_query('select max(step) from ' ~ table).columns[0].values()[0] -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}


{% macro more_components(table, bins) %}
insert into {{ table }}
with step_0 as (
    select * from {{ table }}
    where step = (select max(step) from {{ table }})
)
{%- for step in range(3) %},

step_{{ step + 1 }} as (
    {{ dwell.next_components('step_' ~ step, bins) | indent(4) }}
)
{%- endfor %}
{% for step in range(3) %}
select * from step_{{ step + 1 }}{{ ' union all' if not loop.last }}
{%- endfor %}
{% endmacro %}
