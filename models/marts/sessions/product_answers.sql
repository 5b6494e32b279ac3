{{ config(materialized='table') }}
{%- set zone = var('reporting_timezone') -%}
{%- set timeout = '%g' % (var('session_timeout_minutes') | float) -%}
{%- set ignored = dwell.as_list(var('ignored_events')) -%}

{#- the settings that define an answer, in fixed phrases; Python makes sentences of them -#}
{%- set duplicates = 'exact duplicates counted ' ~ (
    'each time' if not var('drop_exact_duplicates')
    else 'once, event_id included' if dwell.event_id_columns()
    else 'once'
) -%}
{%- set ignoring = ['ignored events: ' ~ ignored | join(', ')] if ignored else [] -%}
{%- set cuts = [] -%}
{%- if var('session_split_at_midnight') -%}
    {%- do cuts.append('cut at midnight in ' ~ zone) -%}
{%- endif -%}
{%- if var('session_max_hours') -%}
    {%- do cuts.append('cut after ' ~ '%g' % (var('session_max_hours') | float) ~ ' h') -%}
{%- endif -%}
{%- set start_events = dwell.as_list(var('session_start_events')) -%}
{%- if start_events -%}
    {%- do cuts.append('cut at events: ' ~ start_events | join(', ')) -%}
{%- endif -%}
{%- set day_settings = ['events per day in ' ~ zone, duplicates] + ignoring -%}
{%- set visitor = 'visitor: ' ~ dwell.session_key() | sort(reverse=true) | join(' and ') -%}
{%- set session_settings = [visitor] + cuts + ignoring -%}
{%- set size_settings = [duplicates] + ignoring %}

with busiest_days as (
    select
        min(activity_date) as first_date,
        max(events) as event_count,
        count(*) as day_count
    from {{ ref('daily_activity') }}
    where is_busiest
),

summary as (
    select * from {{ ref('session_summary') }}
),

largest_sessions as (
    select count(*) as session_count
    from {{ ref('fct_sessions') }}
    where event_count = (select summary.most_events from summary)
),

answers as (
    select
        1 as question_number,
        'On which day was there most activity?' as question,
        {{ dwell.digits('first_date') }} as answer,
        {{ dwell.double('event_count') }} as answer_value,
        'events' as unit,
        nullif(day_count, 0) as tie_count,
        {{ dwell.text(day_settings | join('; ')) }} as assumption
    from busiest_days

    union all

    select
        2 as question_number,
        'What is a session?' as question,
        'events of one visitor, gaps of at most {{ timeout }} min' as answer,
        {{ dwell.double('sessions') }} as answer_value,
        'sessions' as unit,
        cast(null as {{ dbt.type_bigint() }}) as tie_count,
        {{ dwell.text(session_settings | join('; ')) }} as assumption
    from summary

    union all

    select
        3 as question_number,
        'What is the highest number of events in a session?' as question,
        {{ dwell.digits('summary.most_events') }} as answer,
        {{ dwell.double('summary.most_events') }} as answer_value,
        'events' as unit,
        nullif(largest_sessions.session_count, 0) as tie_count,
        {{ dwell.text(size_settings | join('; ')) }} as assumption
    from summary
    cross join largest_sessions

    union all

    select
        4 as question_number,
        'What is the average session duration?' as question,
        {{ dwell.thousandths('mean_duration_seconds') }} as answer,
        mean_duration_seconds as answer_value,
        'seconds' as unit,
        cast(null as {{ dbt.type_bigint() }}) as tie_count,
        'from the first to the last event; sessions of one event last 0 s' as assumption
    from summary
)

select
    question_number,
    question,
    answer,
    answer_value,
    unit,
    tie_count,
    assumption
from answers
