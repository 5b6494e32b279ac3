{# Two normal components, fitted step by step. One macro defines a step. The steps are a recursive query on engines that allow
   aggregates in one, and otherwise statements before the model's own. #}

{# SQL: the logarithms and counts that the components are fitted to. #}
{% macro mixture_bins(histogram) -%}
select
    log10_seconds as x,
    {{ dwell.double('gaps') }} as n
from {{ histogram }}
-- shorter ones are clicks that a machine made
where seconds_from >= {{ dwell.double('0.001') }}
{%- endmacro %}


{# SQL: the start, gaps to either side of ten minutes. #}
{% macro first_components(bins) -%}
{%- set is_short = 'x < ' ~ dwell.double('2.7781512503836436') -%}
select
    cast(0 as {{ dbt.type_int() }}) as step,
    sum(case when {{ is_short }} then n end) / sum(n) as share_1,
    sum(case when {{ is_short }} then n * x end) / sum(case when {{ is_short }} then n end) as mean_1,
    {{ dwell.double(1) }} as sd_1,
    sum(case when not {{ is_short }} then n * x end) / sum(case when not {{ is_short }} then n end) as mean_2,
    {{ dwell.double('0.5') }} as sd_2,
    {{ dwell.double('null') }} as log_likelihood,
    {{ dwell.double('null') }} as gained
from {{ bins }}
{%- endmacro %}


{# SQL: the next step, which weighs each bin by how far it belongs to either component, and fits each component again; no row
   once the likelihood no longer grows. #}
{% macro next_components(components, bins) -%}
select
    step + 1 as step,
    weight_1 / (weight_1 + weight_2) as share_1,
    sum_1 / weight_1 as mean_1,
    {{ dwell.standard_deviation('weight_1', 'sum_1', 'squares_1') }} as sd_1,
    sum_2 / weight_2 as mean_2,
    {{ dwell.standard_deviation('weight_2', 'sum_2', 'squares_2') }} as sd_2,
    new_log_likelihood as log_likelihood,
    new_log_likelihood - log_likelihood as gained
from (
    select
        max(step) as step,
        max(log_likelihood) as log_likelihood,
        max(gained) as gained,
        sum(n * share) as weight_1,
        sum(n * (1 - share)) as weight_2,
        sum(n * x * share) as sum_1,
        sum(n * x * (1 - share)) as sum_2,
        sum(n * x * x * share) as squares_1,
        sum(n * x * x * (1 - share)) as squares_2,
        sum(n * ln(density)) as new_log_likelihood
    from (
        select
            step,
            log_likelihood,
            gained,
            x,
            n,
            density_1 / (density_1 + density_2) as share,
            density_1 + density_2 as density
        from (
            select
                components.step,
                components.log_likelihood,
                components.gained,
                bins.x,
                bins.n,
                -- never nothing, so that a bin far from both components still belongs somewhere
                components.share_1
                * {{ dwell.normal_density('bins.x', 'components.mean_1', 'components.sd_1') }}
                + {{ dwell.double('1e-300') }} as density_1,
                (1 - components.share_1)
                * {{ dwell.normal_density('bins.x', 'components.mean_2', 'components.sd_2') }}
                + {{ dwell.double('1e-300') }} as density_2
            from {{ components }} as components
            cross join {{ bins }} as bins
            where components.mean_1 is not null and components.mean_2 is not null
        ) as densities
    ) as weighed
    having count(*) > 0
) as expected
where step < 300 and (gained is null or gained > {{ dwell.double('1e-9') }} * abs(log_likelihood))
{%- endmacro %}


{# SQL: every step. #}
{% macro component_steps(steps, bins) -%}
    {{- return(adapter.dispatch('component_steps', 'dwell')(steps, bins)) -}}
{%- endmacro %}

{% macro default__component_steps(steps, bins) -%}
select * from {{ dwell.scratch('dwell_component_steps') }}
{%- endmacro %}

{% macro duckdb__component_steps(steps, bins) -%}
{{ dwell.first_components(bins) }}

union all

{{ dwell.next_components(steps, bins) }}
{%- endmacro %}
