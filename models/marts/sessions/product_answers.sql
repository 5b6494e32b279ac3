{{ config(materialized='table') }}
{%- set zone = var('reporting_timezone') -%}
{%- set timeout = '%g' % (var('session_timeout_minutes') | float) -%}
{%- set key = dwell.session_key() | map('replace', '_id', '') | join(' and ') -%}
{%- set cut, ignoring = dwell.describe_cuts(), dwell.describe_ignored_events() -%}
{#- with cuts, there are more sessions than the runs that a timeout makes -#}
{%- set unit = 'run' if cut else 'session' -%}
{%- set and_id = ' and in their id' if dwell.event_id_columns() else '' -%}
{%- set counting = 'Of rows that are equal in every column' ~ and_id ~ ', one counts.'
    if var('drop_exact_duplicates') else 'Every row counts.' -%}
{%- set other_mean = 'mean_duration_seconds_without_single_event_sessions' %}

with busiest_days as (
    select
        *,
        row_number() over (order by activity_date) as place
    from {{ ref('daily_activity') }}
    where is_busiest
),

days as (
    select
        count(*) as ties,
        {{ dwell.first_three(dwell.digits('activity_date'), 'place') }} as names,
        max(events) as events
    from busiest_days
),

summary as (
    select * from {{ ref('session_summary') }}
),

sessions as (
    select * from {{ ref('fct_sessions') }}
),

largest_by_person as (
    select
        person,
        sessions_of_one,
        row_number() over (order by first_started_at, person) as place
    from (
        select
            coalesce('user ' || user_id, 'device ' || device_id) as person,
            min(started_at) as first_started_at,
            count(*) as sessions_of_one
        from sessions
        where event_count = (select summary.most_events from summary)
        group by coalesce('user ' || user_id, 'device ' || device_id)
    ) as by_person
),

largest as (
    select
        sum(sessions_of_one) as ties,
        count(*) as people,
        {{ dwell.first_three('person', 'place') }} as names
    from largest_by_person
),

longest as (
    select count(*) as ties
    from sessions
    where duration_seconds = (select summary.longest_duration_seconds from summary)
),

fit as (
    select
        *,
        case
            when is_accepted
                then
                    'The data itself would choose '
                    || {{ dwell.counted('cut_seconds / 60', 'minute') }}
            when not has_enough_gaps then 'There are too few gaps to argue for another timeout'
            else 'The gaps show no two humps: the
                {{- ' default of 30 min stands' if timeout == '30' else ' ' ~ timeout ~ ' min set stand' }}'
        end as choice,
        case when elasticity <= 0.1 then 'hardly matters' else 'matters' end as weight
    from {{ ref('timeout_fit') }}
),

answers as (
    select
        1 as question_number,
        'On which day was there most activity?' as question,
        case
            when ties = 0 then 'On none: there are no events.'
            when ties = 1 then names || ', with ' || {{ dwell.counted('events', 'event') }} || '.'
            else
                'A tie of ' || {{ dwell.counted('ties', 'day') }} || ' (' || names
                || case when ties > 3 then ', ...' else '' end
                || '), with ' || {{ dwell.counted('events', 'event') }} || ' each.'
        end as answer,
        'Activity is the number of events; days are those of '
        || {{ dwell.text(zone ~ '. ' ~ counting ~ ignoring) }} as assumption
    from days

    union all

    select
        2 as question_number,
        'What is a session?' as question,
        'The longest run of events of one visitor in which no gap is over '
        || {{ dwell.text(timeout ~ ' minutes' ~ cut ~ ': ') }}
        || {{ dwell.counted('summary.sessions', 'session') }} || ' by '
        || {{ dwell.counted('summary.visitors', 'visitor') }} || '.' as answer,
        'A visitor is one {{ key }}.' || {{ dwell.text(ignoring ~ ' ') }} || fit.choice
        || case
            when fit.elasticity is null or not fit.has_enough_gaps then ''
            else
                '. The choice ' || fit.weight || ': half of the timeout gives '
                || {{ dwell.counted('fit.sessions_at_half_the_timeout', unit) }} || ', double '
                || {{ dwell.grouped('fit.sessions_at_double_the_timeout') }}
        end || '.' as assumption
    from summary
    cross join fit

    union all

    select
        3 as question_number,
        'What is the highest number of events in a session?' as question,
        case
            when largest.ties is null then 'None: there are no sessions.'
            when largest.ties = 1
                then
                    {{ dwell.grouped('summary.most_events') }} || ', in a session of '
                    || largest.names || '.'
            else
                {{ dwell.grouped('summary.most_events') }} || ', in a tie of '
                || {{ dwell.counted('largest.ties', 'session') }} || ' (' || largest.names
                || case when largest.people > 3 then ', ...' else '' end || ').'
        end as answer,
        {{ dwell.text(counting ~ ignoring) }} as assumption
    from summary
    cross join largest

    union all

    select
        4 as question_number,
        'What is the average session duration?' as question,
        case
            when summary.sessions = 0 then 'None: there are no sessions.'
            else
                {{ dwell.as_duration('summary.mean_duration_seconds') }} || ' over all sessions; '
                || coalesce({{ dwell.as_duration('summary.' ~ other_mean) }}, 'none')
                || ' without those of a single event; the median is '
                || {{ dwell.as_duration('summary.median_duration_seconds') }} || '.'
        end as answer,
        'From the first to the last event; those of a single event last 0 s: '
        || {{ dwell.counted('summary.single_event_sessions', 'session') }} || '.'
        || case
            when summary.sessions = 0 then ''
            else
                ' The longest lasts ' || {{ dwell.as_duration('summary.longest_duration_seconds') }}
                || case
                    when longest.ties > 1
                        then ', in a tie of ' || {{ dwell.counted('longest.ties', 'session') }}
                    else ''
                end || '.'
        end as assumption
    from summary
    cross join longest
)

select
    question_number,
    question,
    answer,
    assumption
from answers
