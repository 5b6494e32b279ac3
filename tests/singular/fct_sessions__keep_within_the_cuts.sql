-- Where sessions are cut by a maximum length or at midnight, none goes past the cut.
select session_id
from {{ ref('fct_sessions') }}
where
    false
    {%- if var('session_max_hours') %}
    or duration_seconds >= {{ var('session_max_hours') }} * 3600
    {%- endif %}
    {%- if var('session_split_at_midnight') %}
    or {{ dwell.local_date('started_at') }} <> {{ dwell.local_date('ended_at') }}
    {%- endif %}
