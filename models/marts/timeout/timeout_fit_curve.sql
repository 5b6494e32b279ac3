-- How many gaps the fit expects in each bin: its two densities, over a bin's width.
with components as (
    select * from {{ ref('int_web__gap_components') }}
),

fit as (
    select * from {{ ref('timeout_fit') }}
),

bounds as (
    select
        min(size_bin) as first_bin,
        max(size_bin) - min(size_bin) + 1 as bins
    from {{ ref('int_web__gaps') }}
    -- the fit is to gaps of a millisecond or more
    where size_bin >= -60
),

middles as (
    select
        {{ dwell.double('bounds.first_bin + numbers.n - 1') }} / 20
        + {{ dwell.double('0.025') }} as x
    from bounds
    cross join {{ dwell.numbers_to('bounds.bins') }} as numbers
    where numbers.n <= bounds.bins
)

select
    middles.x as log10_seconds,
    power(10, middles.x) as seconds,
    fit.gaps * components.share_1 / 20
    * {{ dwell.normal_density('middles.x', 'components.mean_1', 'components.sd_1') }}
        as gaps_within,
    fit.gaps * (1 - components.share_1) / 20
    * {{ dwell.normal_density('middles.x', 'components.mean_2', 'components.sd_2') }}
        as gaps_between
from middles
cross join components
cross join fit
where components.sd_1 is not null and components.sd_2 is not null
