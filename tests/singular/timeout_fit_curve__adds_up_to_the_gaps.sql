-- A curve that is not scaled as the histogram would not fit over it.
with curve as (
    select sum(gaps_within + gaps_between) as gaps from {{ ref('timeout_fit_curve') }}
)

select
    curve.gaps as gaps_of_the_curve,
    fit.gaps
from {{ ref('timeout_fit') }} as fit
cross join curve
-- its ends may reach beyond the gaps that there are
where fit.is_accepted and abs(curve.gaps - fit.gaps) > 0.05 * fit.gaps
