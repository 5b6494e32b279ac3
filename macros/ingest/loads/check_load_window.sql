{# The checks of a relation at the start of a run, by the window of load times that the run reads. #}

{% macro refuse_missing_load_times(input) %}
    {%- set untimed = dwell.load_window(input)['rows_untimed'] -%}
    {%- if untimed -%}
        {%- do dwell.raise_error(
            dwell.input_name(input) ~ ' has ' ~ untimed ~ (' row' if untimed == 1 else ' rows') ~ ' without a load time in ' ~ input.loaded_at
            ~ ', so dwell cannot know whether they are new. Fill it, or leave ' ~ input.name
            ~ '_loaded_at out: then each run reads the entire relation.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{# Rows whose load time is before the window are never read again, so that their number must stay. #}
{% macro refuse_changes_before_window(input, stored) %}
    {%- set window = dwell.load_window(input) -%}
    {%- if window['after'] is not none -%}
        {%- set after = dwell.moment(window['after']) -%}
        {%- set rows_stored = run_query(
            'select count(*) from ' ~ stored ~ ' where received_at <= ' ~ after
            if input.keeps_rows else
            'select (select sum(rows_read) from ' ~ dwell.loads(input) ~ ') - (select coalesce(sum(rows_read), 0) from '
            ~ dwell.load_times() ~ ' where known_load_time > ' ~ after ~ ')'
        ).columns[0].values()[0] | int -%}
        {%- if window['rows_before'] != rows_stored -%}
            {%- do dwell.raise_error(
                dwell.input_name(input) ~ ' has changed where it was read before: it has ' ~ window['rows_before']
                ~ ' rows with a load time up to ' ~ dwell.time_as_text(window['after']) ~ ' (a day before the newest that was read), and '
                ~ rows_stored ~ ' were read. Rows that arrived late under an old load time: give them a new one, as in '
                ~ 'update ... set ' ~ input.loaded_at ~ ' = current_timestamp. Rows that were removed or changed on purpose: '
                ~ 'load everything again with --full-refresh; sessions of removed rows are gone then.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{# Reports which rows this run leaves to a later one. #}
{% macro report_unsettled_rows(input) %}
    {%- set window = dwell.load_window(input) -%}
    {%- if window['newest'] is not none and window['newest'] > window['to'] -%}
        {%- do log(
            'dwell: rows of ' ~ dwell.input_name(input) ~ ' that were loaded after ' ~ dwell.time_as_text(window['to'])
            ~ ' are left to a later run (load_settle_seconds: ' ~ var('load_settle_seconds') ~ ')', info=true
        ) -%}
    {%- endif -%}
{% endmacro %}
