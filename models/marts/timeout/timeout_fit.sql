{{ config(materialized='table') }}
{%- set timeout = var('session_timeout_minutes') | float %}

-- not named gaps, for so is a column, and BigQuery would take the one for the other
with sizes as (
    select * from {{ ref('int_web__gaps') }}
),

bins as (
    select
        log10_seconds as x,
        {{ dwell.double('gaps') }} as n
    from {{ ref('timeout_gap_histogram') }}
    where seconds_from >= 0.001
),

components as (
    select * from {{ ref('int_web__gap_components') }}
),

-- one component, for comparison
single_component as (
    select
        coalesce(sum(n), 0) as gaps,
        sum(n * x) / sum(n) as mean,
        {{ dwell.standard_deviation('sum(n)', 'sum(n * x)', 'sum(n * x * x)') }} as sd
    from bins
),

single_component_likelihood as (
    select
        sum(bins.n * {{
            dwell.normal_log_density('bins.x', 'single_component.mean', 'single_component.sd')
        }}) as log_likelihood
    from bins
    cross join single_component
),

-- where the two weighted components are equally high: a x² + b x + c = 0
equation as (
    select
        mean_1,
        mean_2,
        1 / (2 * sd_2 * sd_2) - 1 / (2 * sd_1 * sd_1) as a,
        mean_1 / (sd_1 * sd_1) - mean_2 / (sd_2 * sd_2) as b,
        mean_2 * mean_2 / (2 * sd_2 * sd_2) - mean_1 * mean_1 / (2 * sd_1 * sd_1)
        + ln(nullif(greatest(share_1 * sd_2 / nullif((1 - share_1) * sd_1, 0), 0), 0)) as c
    from components
    where share_1 > 0 and share_1 < 1
),

roots as (
    select
        mean_1,
        mean_2,
        -c / nullif(b, 0) as root
    from equation
    where abs(a) < 1e-9 and abs(b) > 1e-12
    {%- for sign in ['+', '-'] %}
    union all
    select
        mean_1,
        mean_2,
        -- an engine may look at a root before the condition that there is one
        (-b {{ sign }} sqrt(greatest(b * b - 4 * a * c, 0))) / nullif(2 * a, 0) as root
    from equation
    where abs(a) >= 1e-9 and b * b >= 4 * a * c
    {%- endfor %}
),

cut as (
    select min(root) as log10_seconds
    from roots
    where root > mean_1 and root < mean_2
),

visitors as (
    select count(*) as visitors
    from {{ ref('int_web__sessions_numbered') }}
    where session_number = 1
),

-- a visitor's sessions are one more than the gaps over the timeout
longer_gaps as (
    select
        coalesce(sum(case when over_minutes >= {{ timeout / 2 }} then gaps end), 0) as over_half,
        coalesce(sum(case when over_minutes >= {{ timeout }} then gaps end), 0) as over_timeout,
        coalesce(sum(case when over_minutes >= {{ timeout * 2 }} then gaps end), 0) as over_double
    from sizes
),

sessions_at as (
    select
        cast(visitors.visitors + longer_gaps.over_half as {{ dbt.type_bigint() }}) as half,
        cast(visitors.visitors + longer_gaps.over_timeout as {{ dbt.type_bigint() }}) as in_force,
        cast(visitors.visitors + longer_gaps.over_double as {{ dbt.type_bigint() }}) as twice
    from visitors
    cross join longer_gaps
),

measured as (
    select
        cast(single_component.gaps as {{ dbt.type_bigint() }}) as gaps,
        components.steps,
        components.share_1 as share_within,
        power(10, components.mean_1) as typical_gap_within_seconds,
        components.sd_1 as sd_within_log10,
        power(10, components.mean_2) as typical_gap_between_seconds,
        components.sd_2 as sd_between_log10,
        power(10, cut.log10_seconds) as cut_seconds,
        sqrt({{ dwell.double(2) }}) * abs(components.mean_2 - components.mean_1)
        / sqrt(components.sd_1 * components.sd_1 + components.sd_2 * components.sd_2) as ashman_d,
        -- BIC = k ln n - 2 ln L; one component has 2 parameters, two have 5
        2 * components.log_likelihood - 5 * ln(nullif(single_component.gaps, 0))
        - (
            2 * single_component_likelihood.log_likelihood
            - 2 * ln(nullif(single_component.gaps, 0))
        ) as bic_gain,
        sessions_at.half as sessions_at_half_the_timeout,
        sessions_at.in_force as sessions_at_the_timeout,
        sessions_at.twice as sessions_at_double_the_timeout,
        (
            ln(nullif({{ dwell.double('sessions_at.half') }}, 0))
            - ln(nullif({{ dwell.double('sessions_at.twice') }}, 0))
        ) / ln({{ dwell.double(4) }}) as elasticity
    from single_component
    cross join single_component_likelihood
    cross join sessions_at
    cross join cut
    left join components on true
),

gated as (
    select
        *,
        gaps >= 100 as has_enough_gaps,
        cut_seconds is not null as has_cut_between_components,
        coalesce(bic_gain > 0, false) as has_two_components_by_bic,
        coalesce(ashman_d > 2, false) as has_separate_components,
        coalesce(cut_seconds between 300 and 28800, false) as has_cut_in_range
    from measured
)

select
    gaps,
    steps,
    share_within,
    typical_gap_within_seconds,
    sd_within_log10,
    typical_gap_between_seconds,
    sd_between_log10,
    cut_seconds,
    ashman_d,
    bic_gain,
    sessions_at_half_the_timeout,
    sessions_at_the_timeout,
    sessions_at_double_the_timeout,
    elasticity,
    has_enough_gaps,
    has_cut_between_components,
    has_two_components_by_bic,
    has_separate_components,
    has_cut_in_range,
    has_enough_gaps
    and has_cut_between_components
    and has_two_components_by_bic
    and has_separate_components
    and has_cut_in_range as is_accepted
from gated
