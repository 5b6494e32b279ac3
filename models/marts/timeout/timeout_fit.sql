{{ config(materialized='table') }}
{#- Expectation-maximisation for two normal humps over the logarithm of the gaps: Dempster, Laird and
    Rubin (1977). The start, the bins and the gates are explained in this model's description. -#}
{%- set timeout = var('session_timeout_minutes') | float -%}
{%- set density = 'exp(-power(bins.x - %s, 2) / (2 * %s * %s)) / %s' %}

with recursive gaps as (
    select * from {{ ref('int_web__gaps') }}
),

bins as (
    select log10_seconds as x, cast(gaps as double) as n
    from {{ ref('timeout_gap_histogram') }}
    -- shorter ones are clicks that a machine made
    where seconds_from >= 0.001
),

-- one hump, for comparison
single_hump as (
    select
        sum(n) as gaps,
        sum(n * x) / sum(n) as mean,
        greatest(sqrt(greatest(sum(n * x * x) / sum(n) - power(sum(n * x) / sum(n), 2), 0)), 0.05e0) as sd
    from bins
),

steps as (
    select
        0 as step,
        coalesce(sum(case when x < log10(600) then n end), 0) / sum(n) as share_1,
        sum(case when x < log10(600) then n * x end) / sum(case when x < log10(600) then n end) as mean_1,
        1.0e0 as sd_1,
        sum(case when x >= log10(600) then n * x end) / sum(case when x >= log10(600) then n end) as mean_2,
        0.5e0 as sd_2,
        cast(null as double) as log_likelihood,
        cast(null as double) as gained
    from bins
    union all
    select
        step + 1,
        weight_1 / (weight_1 + weight_2),
        sum_1 / weight_1,
        greatest(sqrt(greatest(squares_1 / weight_1 - power(sum_1 / weight_1, 2), 0)), 0.05e0),
        sum_2 / weight_2,
        greatest(sqrt(greatest(squares_2 / weight_2 - power(sum_2 / weight_2, 2), 0)), 0.05e0),
        likelihood,
        likelihood - likelihood_before
    from (
        select
            any_value(step) as step,
            any_value(log_likelihood) as likelihood_before,
            any_value(gained) as gained_before,
            sum(n * density_1 / (density_1 + density_2)) as weight_1,
            sum(n * density_2 / (density_1 + density_2)) as weight_2,
            sum(n * x * density_1 / (density_1 + density_2)) as sum_1,
            sum(n * x * density_2 / (density_1 + density_2)) as sum_2,
            sum(n * x * x * density_1 / (density_1 + density_2)) as squares_1,
            sum(n * x * x * density_2 / (density_1 + density_2)) as squares_2,
            sum(n * ln((density_1 + density_2) / sqrt(2 * pi()))) as likelihood
        from (
            select
                steps.step,
                steps.log_likelihood,
                steps.gained,
                bins.x,
                bins.n,
                -- never nothing, so that a bin far from both humps still belongs somewhere
                steps.share_1 * {{ density % ('steps.mean_1', 'steps.sd_1', 'steps.sd_1', 'steps.sd_1') }} + 1e-300 as density_1,
                (1 - steps.share_1) * {{ density % ('steps.mean_2', 'steps.sd_2', 'steps.sd_2', 'steps.sd_2') }} + 1e-300 as density_2
            from steps
            cross join bins
            where steps.mean_1 is not null and steps.mean_2 is not null
        ) as densities
        having count(*) > 0
    ) as expected
    where step < 300 and (gained_before is null or gained_before > 1e-9 * abs(likelihood_before))
),

last_step as (
    select * from steps
    where step > 0
    order by step desc
    limit 1
),

-- where the two weighted humps are equally high: a quadratic equation
equation as (
    select
        *,
        1 / (2 * sd_2 * sd_2) - 1 / (2 * sd_1 * sd_1) as a,
        mean_1 / (sd_1 * sd_1) - mean_2 / (sd_2 * sd_2) as b,
        mean_2 * mean_2 / (2 * sd_2 * sd_2) - mean_1 * mean_1 / (2 * sd_1 * sd_1)
        + ln(share_1 * sd_2 / ((1 - share_1) * sd_1)) as c
    from last_step
    where share_1 > 0 and share_1 < 1
),

roots as (
    select *, -c / b as root
    from equation
    where abs(a) < 1e-9 and abs(b) > 1e-12
    union all
    select *, (-b + sqrt(b * b - 4 * a * c)) / (2 * a) as root
    from equation
    where abs(a) >= 1e-9 and b * b >= 4 * a * c
    union all
    select *, (-b - sqrt(b * b - 4 * a * c)) / (2 * a) as root
    from equation
    where abs(a) >= 1e-9 and b * b >= 4 * a * c
),

cut as (
    select min(root) as log10_seconds
    from roots
    where root > mean_1 and root < mean_2
),

-- sessions at half and at double the timeout in force
sessions_at as (
    select
        visitors + coalesce(sum(case when over_minutes >= {{ timeout / 2 }} then gaps end), 0) as at_half,
        visitors + coalesce(sum(case when over_minutes >= {{ timeout }} then gaps end), 0) as at_timeout,
        visitors + coalesce(sum(case when over_minutes >= {{ timeout * 2 }} then gaps end), 0) as at_double
    from (
        select count(*) as visitors from {{ ref('int_web__sessions') }} where session_number = 1
    ) as visitors
    left join gaps on true
    group by visitors
),

measured as (
    select
        cast(coalesce(single_hump.gaps, 0) as bigint) as gaps,
        last_step.step as steps,
        last_step.share_1 as share_within,
        power(10, last_step.mean_1) as typical_gap_within_seconds,
        last_step.sd_1 as sd_within_log10,
        power(10, last_step.mean_2) as typical_gap_between_seconds,
        last_step.sd_2 as sd_between_log10,
        power(10, cut.log10_seconds) as cut_seconds,
        sqrt(2) * abs(last_step.mean_2 - last_step.mean_1)
        / sqrt(last_step.sd_1 * last_step.sd_1 + last_step.sd_2 * last_step.sd_2) as ashman_d,
        -- BIC = k ln n - 2 ln L, with 2 parameters for one hump and 5 for two
        2 * last_step.log_likelihood - 5 * ln(single_hump.gaps)
        - (
            2 * (select sum(n * (-power(x - mean, 2) / (2 * sd * sd) - ln(sd * sqrt(2 * pi())))) from bins)
            - 2 * ln(single_hump.gaps)
        ) as bic_gain,
        cast(sessions_at.at_half as bigint) as sessions_at_half_the_timeout,
        cast(sessions_at.at_timeout as bigint) as sessions_at_the_timeout,
        cast(sessions_at.at_double as bigint) as sessions_at_double_the_timeout,
        case when sessions_at.at_half > 0
            then -(ln(sessions_at.at_double) - ln(sessions_at.at_half)) / ln(4) end as elasticity
    from single_hump
    cross join sessions_at
    left join last_step on true
    left join cut on true
),

gated as (
    select
        *,
        gaps >= 100 as has_enough_gaps,
        cut_seconds is not null as has_cut_between_humps,
        coalesce(bic_gain > 0, false) as has_two_humps_by_bic,
        coalesce(ashman_d > 2, false) as has_humps_apart,
        coalesce(cut_seconds between 300 and 28800, false) as has_cut_in_range
    from measured
)

select
    *,
    has_enough_gaps and has_cut_between_humps and has_two_humps_by_bic and has_humps_apart
    and has_cut_in_range as is_accepted
from gated
