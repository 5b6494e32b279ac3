select * from {{ ref('dwell', 'fct_sessions') }}
