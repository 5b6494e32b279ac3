{# SQL: the stored events that are computed again with new ones: those of the islands that new events fall into, and of the
   islands that end or start within the timeout of new events. #}
{% macro events_of_affected_islands(new_events, columns, timeout_seconds) %}
{%- set visitor_and_kind = ['visitor_key_1', 'visitor_key_2', 'is_ignored'] -%}
{%- set timeout_us = dwell.timeout_us(timeout_seconds) -%}
select {{ columns }}, is_ignored
from (
    with new_accepted_events as (
        select {{ dwell.visitor_as_key() }}, is_ignored, event_at
        from {{ new_events }}
        where reject_reason is null
    ),

    new_islands as (
        {{ dwell.island_bounds('new_accepted_events', visitor_and_kind, 'event_at', timeout_seconds) | indent(8) }}
    ),

    -- no gap in an island exceeds the timeout, so that an island that reaches into these bounds, or
    -- across them, has an event in them
    affected_islands as (
        select distinct
            new_islands.visitor_key_1,
            new_islands.visitor_key_2,
            new_islands.is_ignored,
            stored.island_started_at
        from {{ this }} as stored
        inner join new_islands
            on
                {{ dwell.is_visitor('stored', 'new_islands') }}
                and stored.is_ignored = new_islands.is_ignored
                and stored.event_at between {{ dwell.later_by('new_islands.island_started_at', -timeout_us) }}
                and {{ dwell.later_by('new_islands.island_ended_at', timeout_us) }}
    )

    -- first by one narrow column: the others are read only for the rows that pass
    select stored.*
    from (
        select *
        from {{ this }}
        where island_started_at in (select affected_islands.island_started_at from affected_islands)
    ) as stored
    where exists (
        select 1
        from affected_islands
        where
            affected_islands.island_started_at = stored.island_started_at
            and affected_islands.is_ignored = stored.is_ignored
            and {{ dwell.is_visitor('stored', 'affected_islands') }}
    )
) as affected
{% endmacro %}
