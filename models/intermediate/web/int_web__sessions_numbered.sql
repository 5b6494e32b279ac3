{{ config(materialized='view') }}
{%- set visitor = dwell.visitor() | join(', ') %}

with sessions as (
    select * from {{ ref('int_web__sessions') }}
)

-- a late event changes the numbers of all later sessions of a visitor, so that they are not stored
select
    session_id,
    user_id,
    device_id,
    -- a number of rows is 32 bits wide on Spark, until something is added to it
    cast(
        row_number() over (partition by {{ visitor }} order by started_at)
        as {{ dbt.type_bigint() }}
    ) as session_number,
    island_started_at,
    started_at,
    ended_at,
    lag(ended_at) over (partition by {{ visitor }} order by started_at) as previous_ended_at,
    event_count
from sessions
