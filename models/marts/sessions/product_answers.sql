{{ config(materialized='table') }}
{%- set timeout = var('session_timeout_minutes') -%}
{%- set key = dwell.session_key() | map('replace', '_id', '') | join(' and ') -%}

with days as (
    select
        count(*) as ties,
        min(activity_date) as first_day,
        max(activity_date) as last_day,
        {{ dwell.listed('cast(activity_date as varchar)', 'activity_date') }} as named,
        max(events) as events
    from {{ ref('daily_activity') }}
    where is_busiest
),

summary as (
    select * from {{ ref('session_summary') }}
),

largest_sessions as (
    select
        count(*) as ties,
        {{ dwell.listed("coalesce(user_id, 'device ' || device_id)", 'started_at, session_id') }} as named
    from {{ ref('fct_sessions') }}
    where event_count = (select most_events from summary)
),

longest_sessions as (
    select count(*) as ties
    from {{ ref('fct_sessions') }}
    where duration_seconds = (select longest_duration_seconds from summary)
),

fit as (
    select * from {{ ref('timeout_fit') }}
),

answers as (
    select
        1 as question_number,
        'On which day was there most activity?' as question,
        case
            when days.ties = 0 then 'No day: there are no events.'
            when days.ties = 1 then days.named || ', with ' || {{ dwell.grouped('days.events') }} || ' events.'
            when days.ties <= 3 then days.named || ', with ' || {{ dwell.grouped('days.events') }} || ' events each.'
            else {{ dwell.grouped('days.ties') }} || ' days from ' || days.first_day || ' to ' || days.last_day
                || ', with ' || {{ dwell.grouped('days.events') }} || ' events each.'
        end as answer,
        'Activity is the number of events; days are those of {{ var('reporting_timezone') | replace("'", "''") }}.'
        {%- if var('drop_exact_duplicates') %}
        || ' Of rows equal in every column, one counts.'
        {%- endif %} as assumption
    from days

    union all

    select
        2,
        'What is a session?',
        'The longest run of events of one visitor in which no gap is over {{ '%g' % timeout }} minutes. '
        || {{ dwell.grouped('summary.sessions') }} || ' of them, by '
        || {{ dwell.grouped('summary.visitors') }} || ' visitors.',
        'A visitor is one {{ key }}. '
        || case
            when fit.is_accepted
                then 'The data itself would choose ' || {{ dwell.grouped('fit.cut_seconds / 60') }} || ' minutes'
            else 'The gaps show no two humps: {{ 'the default of 30 minutes stands' if timeout == 30 else '%g' % timeout ~ ' minutes were set' }}'
        end
        || case
            when fit.elasticity is null then '.'
            when fit.elasticity <= 0.1
                then '; the choice hardly matters: half of the timeout gives '
                    || {{ dwell.grouped('fit.sessions_at_half_the_timeout') }} || ' sessions, double '
                    || {{ dwell.grouped('fit.sessions_at_double_the_timeout') }} || '.'
            else '; the choice matters: half of the timeout gives '
                || {{ dwell.grouped('fit.sessions_at_half_the_timeout') }} || ' sessions, double '
                || {{ dwell.grouped('fit.sessions_at_double_the_timeout') }} || '.'
        end
    from summary
    cross join fit

    union all

    select
        3,
        'What is the highest number of events in a session?',
        case
            when summary.sessions = 0 then 'None: there are no sessions.'
            when largest_sessions.ties = 1
                then {{ dwell.grouped('summary.most_events') }} || ', in a session of ' || largest_sessions.named || '.'
            when largest_sessions.ties <= 3
                then {{ dwell.grouped('summary.most_events') }} || ', in ' || {{ dwell.grouped('largest_sessions.ties') }}
                    || ' sessions, of ' || largest_sessions.named || '.'
            else {{ dwell.grouped('summary.most_events') }} || ', in ' || {{ dwell.grouped('largest_sessions.ties') }} || ' sessions.'
        end,
        'Events that do not count are left out: '
        || {{ dwell.text('none are set' if not var('ignored_events') else dwell.as_list(var('ignored_events')) | join(', ')) }} || '.'
    from summary
    cross join largest_sessions

    union all

    select
        4,
        'What is the average session duration?',
        case
            when summary.sessions = 0 then 'None: there are no sessions.'
            else {{ dwell.as_duration('summary.mean_duration_seconds') }} || ' over all sessions; '
                || coalesce({{ dwell.as_duration('summary.mean_duration_seconds_without_single_event_sessions') }}, 'none')
                || ' without those of a single event; median '
                || {{ dwell.as_duration('summary.median_duration_seconds') }} || '.'
        end,
        'From the first to the last event. '
        || {{ dwell.grouped('summary.single_event_sessions') }}
        || ' sessions have a single event and last 0 s. The longest lasts '
        || coalesce({{ dwell.as_duration('summary.longest_duration_seconds') }}, 'none')
        || case when longest_sessions.ties > 1 then ', ' || {{ dwell.grouped('longest_sessions.ties') }} || ' times' else '' end
        || '.'
    from summary
    cross join longest_sessions
)

select question_number, question, answer, assumption
from answers
