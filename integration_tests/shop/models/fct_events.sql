{{ config(materialized='table') }}

select
    date '2025-11-28' as event_on,
    '{{ text('Black Friday') }}' as event_name
