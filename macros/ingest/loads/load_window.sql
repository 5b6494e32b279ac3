{# The window of load times that a run reads of a relation: after < loaded_at <= to. Both bounds are literals, fetched by
   one query at the first look, and every statement of the run uses them. So what a loader appends meanwhile changes
   nothing, and a warehouse prunes by them. All times here are microseconds since 1970.

   {loaded_at: SQL of a row's load time, newest: the newest load time in the relation, to: the end of the window,
   after: its start (null from scratch), earlier: the end of the last window, rows_before: rows up to `after`,
   rows_untimed: rows without a load time} #}
{% macro load_window(input) %}
    {%- set windows = dwell.run_cache('load_windows') -%}
    {%- if input.name not in windows -%}
        {%- do windows.update({input.name: dwell.find_load_window(input)}) -%}
    {%- endif -%}
    {{- return(windows[input.name]) -}}
{% endmacro %}


{% macro find_load_window(input) %}
    {%- set loaded_at = dwell.load_time(input) -%}
    {%- set earlier = none if dwell.is_from_scratch(input) else run_query(
        'select ' ~ dwell.microseconds('max(modified_at)') ~ ' from ' ~ dwell.loads(input)
    ).columns[0].values()[0] -%}
    {%- set after = earlier | int - input.margin_us if earlier is not none else none -%}
    {%- set newest, rows_before, rows_untimed = run_query(
        'select ' ~ dwell.microseconds('max(' ~ loaded_at ~ ')') ~ ' as newest, '
        ~ ('count(case when ' ~ loaded_at ~ ' <= ' ~ dwell.moment(after) ~ ' then 1 end)' if after is not none else '0')
        ~ ' as rows_before, '
        ~ 'count(case when ' ~ dwell.column_named(input.loaded_at) ~ ' is null then 1 end) as rows_untimed '
        ~ 'from ' ~ dwell.input_relation(input)
    ).rows[0].values() -%}
    {{- return({
        'loaded_at': loaded_at,
        'newest': newest | int if newest is not none else none,
        'to': dwell.end_of_window(newest, earlier),
        'after': after,
        'earlier': earlier | int if earlier is not none else none,
        'rows_before': rows_before | int,
        'rows_untimed': rows_untimed | int,
    }) -}}
{% endmacro %}


{# A load time has settled once the newest one, or the start of this run, is past it by the settle time: by then, the
   transactions that wrote it have committed. A window never ends before an earlier one, nor after the start of this run:
   one wrong time must not put later load times before the window. #}
{% macro end_of_window(newest, earlier) %}
    {%- if newest is none -%}{{- return(earlier | int if earlier is not none else none) -}}{%- endif -%}
    {%- set settle_us = (var('load_settle_seconds') * 1000000) | round | int -%}
    {%- set started = run_started_at - modules.datetime.datetime(1970, 1, 1, tzinfo=run_started_at.tzinfo) -%}
    {%- set started_us = (started.days * 86400 + started.seconds) * 1000000 + started.microseconds -%}
    {%- set settled = [newest | int, started_us, [newest | int, started_us] | max - settle_us] | min -%}
    {{- return([settled, earlier | int if earlier is not none else settled] | max) -}}
{% endmacro %}


{# SQL: whether a load time lies in the window of this run. #}
{% macro is_in_window(input, loaded_at) -%}
    {%- if not dwell.can_query() -%}
    true
    {%- else -%}
        {%- set window = dwell.load_window(input) -%}
        {%- if window['to'] is none -%}
    false
        {%- elif window['after'] is none -%}
    {{ loaded_at }} <= {{ dwell.moment(window['to']) }}
        {%- else -%}
    {{ loaded_at }} > {{ dwell.moment(window['after']) }} and {{ loaded_at }} <= {{ dwell.moment(window['to']) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{# SQL: the load time of a row, as a UTC timestamp. #}
{% macro load_time(input) -%}
    {%- if dwell.can_query() -%}
        {%- for column in adapter.get_columns_in_relation(dwell.input_relation(input))
            if column.name | lower == input.loaded_at | lower -%}
            {{- return(dwell.as_load_time(dwell.column_named(input.loaded_at), dwell.time_kind_of_type(column.dtype))) -}}
        {%- endfor -%}
    {%- endif -%}
    {{- return(dwell.as_load_time(dwell.column_named(input.loaded_at), none)) -}}
{%- endmacro %}

{# kind: as time_kind_of_type returns it; none if it is not known #}
{% macro as_load_time(column, kind) -%}
    {{- return(adapter.dispatch('as_load_time', 'dwell')(column, kind)) -}}
{%- endmacro %}

{% macro default__as_load_time(column, kind) -%}
    {{ "timezone('UTC', " ~ column ~ ')' if kind == 'timestamp_with_zone' else 'cast(' ~ column ~ ' as ' ~ dbt.type_timestamp() ~ ')' }}
{%- endmacro %}


{# SQL: whether a row of the relation is one that this run reads. Of an input that keeps no rows, those of a load time
   that was read before are left out as a whole; see load_times.sql. #}
{% macro is_to_read(input) -%}
    {{ dwell.is_in_window(input, dwell.load_time(input)) }}
    {%- if not input.keeps_rows and dwell.can_query() and dwell.load_window(input)['after'] is not none %}
    and not exists (
        select 1
        from {{ dwell.load_times() }} as known
        where known.known_load_time = {{ dwell.load_time(input) }}
    )
    {%- endif %}
{%- endmacro %}
