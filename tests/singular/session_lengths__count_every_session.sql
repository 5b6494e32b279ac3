-- A session that falls into no class, or into two, would make every share wrong.
with counts as (
    select
        (select sum(sessions) from {{ ref('session_lengths') }}) as by_length,
        (select sum(sessions) from {{ ref('session_sizes') }}) as by_size,
        (select sessions from {{ ref('session_summary') }}) as sessions
)

select
    by_length,
    by_size,
    sessions
from counts
where by_length <> sessions or by_size <> sessions
