{# The load times of the last day, and how many heartbeats were read of each. Heartbeats are not kept, so that one which is
   committed late is known by its load time alone: where no row of that time was read, it is new. #}

{% macro load_times() %}
    {{- return(dwell.own_table('dwell_heartbeat_load_times')) -}}
{% endmacro %}


{# Of the pre-hook of the streams: notes what this run has read, and forgets what no later run looks at. #}
{% macro record_load_times(input) %}
    {%- set after = dwell.load_window(input)['after'] -%}
    {%- if after is not none %}
-- not what the next run leaves out: where this is no transaction, the run can die, and the next has this window again
delete from {{ dwell.load_times() }}
where known_load_time <= {{ dwell.moment(after) }};
    {%- endif %}
insert into {{ dwell.load_times() }}
select
    l.load_number,
    h.received_at,
    count(*)
from {{ ref('stg_watch__heartbeats') }} as h
cross join {{ dwell.this_load() }} as l
group by l.load_number, h.received_at;
{% endmacro %}


{# At the start of a run: stops it if a load time that was read has more rows, or fewer, than were read of it. Which of
   them are the late ones, no query can find. #}
{% macro refuse_changed_load_times(input) %}
    {%- set window = dwell.load_window(input) -%}
    {%- if window['after'] is not none -%}
        {%- set changed = run_query(
            'select ' ~ dwell.microseconds('known.known_load_time') ~ ' as loaded_at, known.rows_read, coalesce(there.rows_there, 0) as rows_there '
            ~ 'from (select known_load_time, sum(rows_read) as rows_read from ' ~ dwell.load_times()
            ~ ' where known_load_time > ' ~ dwell.moment(window['after']) ~ ' group by known_load_time) as known '
            ~ 'left join (select loaded_at, count(*) as rows_there from (select ' ~ window['loaded_at'] ~ ' as loaded_at from '
            ~ dwell.input_relation(input) ~ ') as timed where loaded_at > ' ~ dwell.moment(window['after'])
            ~ ' and loaded_at <= ' ~ dwell.moment(window['earlier']) ~ ' group by loaded_at) as there '
            ~ 'on known.known_load_time = there.loaded_at '
            ~ 'where known.rows_read <> coalesce(there.rows_there, 0) order by known.known_load_time limit 3'
        ).rows -%}
        {%- for row in changed -%}
            {%- set loaded_at, rows_read, rows_there = row.values() -%}
            {%- set of_time = dwell.input_name(input) ~ ' has ' ~ rows_there ~ ' rows with the load time '
                ~ dwell.time_as_text(loaded_at) ~ ', of which ' ~ rows_read ~ ' were read' ~ (' (and more such load times)' if changed | length > 1) -%}
            {%- if rows_there | int > rows_read | int -%}
                {%- do dwell.raise_error(
                    of_time ~ '. The others were committed more than load_settle_seconds (' ~ var('load_settle_seconds')
                    ~ ') late. No full refresh is needed: give the late rows a load time of their own, as in update ... set '
                    ~ input.loaded_at ~ ' = current_timestamp where ..., and run again. If this happens again, raise load_settle_seconds.'
                ) -%}
            {%- endif -%}
            {%- do dwell.raise_error(
                of_time ~ ' and some are gone. Put them back; or load everything again with --full-refresh, which knows only what is there now.'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
