-- Where sessions are cut by a maximum length or at midnight, none goes past the cut. Without
-- this, a late event could lengthen a session over it.
select session_id
from {{ ref('fct_sessions') }}
where
    {% if var('session_max_hours') -%}
    duration_seconds >= {{ var('session_max_hours') | float * 3600 }} or
    {% endif -%}
    {% if var('session_split_at_midnight') -%}
    {{ dwell.local_date('started_at') }} <> {{ dwell.local_date('ended_at') }} or
    {% endif -%}
    false
