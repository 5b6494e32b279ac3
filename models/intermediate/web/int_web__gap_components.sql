-- Two normal distributions of the logarithm of the gaps, by expectation-maximisation (Dempster,
-- Laird and Rubin 1977).
{{ config(pre_hook="{{ dwell.fit_components(ref('timeout_gap_histogram')) }}") }}

with recursive bins as (
    {{ dwell.mixture_bins(ref('timeout_gap_histogram')) | indent(4) }}
),

steps as (
    {{ dwell.component_steps('steps', 'bins') | indent(4) }}
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
