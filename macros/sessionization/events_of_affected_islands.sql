{# SQL: the stored events that are computed again with new ones: those of the runs that new events fall
   into, or that end or begin within the timeout of them. #}
{% macro events_of_affected_islands(new_events, columns, timeout_seconds) %}
{%- set visitor_and_kind = ['visitor_key_1', 'visitor_key_2', 'is_ignored'] -%}
{%- set timeout_us = (timeout_seconds * 1000000) | round | int -%}
select {{ columns }}, is_ignored
from (
    with new_visits as (
        select {{ dwell.visitor_as_key() }}, is_ignored, event_at
        from {{ new_events }}
        where reject_reason is null
    ),

    new_runs as (
        {{ dwell.island_bounds('new_visits', visitor_and_kind, 'event_at', timeout_seconds) | indent(8) }}
    ),

    -- no gap in a run is over the timeout, so that a run that reaches into these bounds, or across
    -- them, has an event in them
    touched_runs as (
        select distinct
            new_runs.visitor_key_1,
            new_runs.visitor_key_2,
            new_runs.is_ignored,
            stored.run_started_at
        from {{ this }} as stored
        inner join new_runs
            on
                {{ dwell.is_visitor('stored', 'new_runs') }}
                and stored.is_ignored = new_runs.is_ignored
                and stored.event_at between {{ dwell.later_by('new_runs.run_started_at', -timeout_us) }}
                and {{ dwell.later_by('new_runs.run_ended_at', timeout_us) }}
    )

    -- first by one narrow column: the others are read only for what it lets through
    select stored.*
    from (
        select *
        from {{ this }}
        where run_started_at in (select touched_runs.run_started_at from touched_runs)
    ) as stored
    where exists (
        select 1
        from touched_runs
        where
            touched_runs.run_started_at = stored.run_started_at
            and touched_runs.is_ignored = stored.is_ignored
            and {{ dwell.is_visitor('stored', 'touched_runs') }}
    )
) as touched
{% endmacro %}
