-- Two normal humps over the logarithm of the gaps, by expectation-maximisation (Dempster, Laird
-- and Rubin 1977). A step weighs each bin by how far it belongs to either hump, and fits each
-- hump anew.
with recursive bins as (
    select
        log10_seconds as x,
        cast(gaps as double) as n
    from {{ ref('timeout_gap_histogram') }}
    -- shorter ones are clicks that a machine made
    where seconds_from >= 0.001
),

steps as (
    -- the start: gaps to either side of ten minutes
    select
        0 as step,
        sum(case when x < log10(600) then n end) / sum(n) as share_1,
        sum(case when x < log10(600) then n * x end) / sum(case when x < log10(600) then n end)
            as mean_1,
        1.0e0 as sd_1,
        sum(case when x >= log10(600) then n * x end) / sum(case when x >= log10(600) then n end)
            as mean_2,
        0.5e0 as sd_2,
        cast(null as double) as log_likelihood,
        cast(null as double) as gained
    from bins

    union all

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
            any_value(step) as step,
            any_value(log_likelihood) as log_likelihood,
            any_value(gained) as gained,
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
                    steps.step,
                    steps.log_likelihood,
                    steps.gained,
                    bins.x,
                    bins.n,
                    -- never nothing, so that a bin far from both humps still belongs somewhere
                    steps.share_1
                    * {{ dwell.normal_density('bins.x', 'steps.mean_1', 'steps.sd_1') }}
                    + 1e-300 as density_1,
                    (1 - steps.share_1)
                    * {{ dwell.normal_density('bins.x', 'steps.mean_2', 'steps.sd_2') }}
                    + 1e-300 as density_2
                from steps
                cross join bins
                where steps.mean_1 is not null and steps.mean_2 is not null
            ) as densities
        ) as weighed
        having count(*) > 0
    ) as expected
    where step < 300 and (gained is null or gained > 1e-9 * abs(log_likelihood))
)

select
    step as steps,
    share_1,
    mean_1,
    sd_1,
    mean_2,
    sd_2,
    log_likelihood
from steps
where step > 0
order by step desc
limit 1
