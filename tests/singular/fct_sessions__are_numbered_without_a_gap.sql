-- The numbers of a visitor's sessions are 1 to n. Without this, an inserted session could leave its
-- successors with old numbers.
select {{ dwell.visitor_as_key() }}
from {{ ref('fct_sessions') }}
group by visitor_key_1, visitor_key_2
having
    min(session_number) <> 1
    or max(session_number) <> count(*)
    or count(distinct session_number) <> count(*)
