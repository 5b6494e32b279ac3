{# The settings of one input: what no rule for one setting alone can check. #}
{% macro check_input_settings(input) %}
    {%- set name = input.name -%}
    {%- if input.path and input.relation -%}
        {%- do dwell.raise_error(name ~ '_path and ' ~ name ~ '_relation are both set. Keep one of them: ' ~ name ~ ' come from files or from a relation.') -%}
    {%- elif input.path and not dwell.reads_files() -%}
        {%- do dwell.raise_error(name ~ '_path names files, which DuckDB reads, and this target is ' ~ target.type ~ '. Load them into a table there, and name it in ' ~ name ~ '_relation.') -%}
    {%- elif input.loaded_at is not none and not input.relation -%}
        {%- do dwell.raise_error(name ~ '_loaded_at names a column of ' ~ name ~ '_relation, which is not set. Set it too, or leave ' ~ name ~ '_loaded_at out.') -%}
    {%- elif input.csv.get('names') and input.csv.get('header') -%}
        {%- do dwell.setting_error(
            name ~ '_csv', name ~ '_csv has names for columns, and header: true, which takes them from the files. Keep one; skip: 1 skips a header.'
        ) -%}
    {%- endif -%}
    {%- do dwell.check_columns(input) -%}
    {%- do dwell.check_time_format(input) -%}
{% endmacro %}


{# Which columns the input has, under which names. #}
{% macro check_columns(input) %}
    {%- set setting = input.name ~ '_columns' -%}
    {%- for column in input.named if column not in input.columns -%}
        {%- do dwell.setting_error(setting, setting ~ ' maps ' ~ column ~ ', which is no column of dwell. The columns are ' ~ input.columns | join(', ')
            ~ (', and event_id for an id of the event' if input.name == 'events' else '') ~ '.') -%}
    {%- endfor -%}
    {%- for column, theirs in input.named.items() if not dwell.is_source(theirs) -%}
        {%- do dwell.setting_error(setting, setting ~ ' maps ' ~ column ~ ' to ' ~ dwell.shown(theirs) ~ ', which names no column. '
            ~ dwell.settings_specification()[setting].note) -%}
    {%- endfor -%}
    {%- set needed = ['event_name', 'event_time'] if input.name == 'events' else input.columns -%}
    {%- for column in needed if none in dwell.as_sources(input.named.get(column, column)) -%}
        {%- do dwell.setting_error(setting, setting ~ ' maps ' ~ column ~ ' to null, and ' ~ input.name ~ ' need it. Name the column of the input.') -%}
    {%- endfor -%}
    {%- if input.name == 'events' and dwell.as_sources(input.named.get('user_id', '')) == [none] and dwell.as_sources(input.named.get('device_id', '')) == [none] -%}
        {%- do dwell.setting_error(setting, 'events_columns maps user_id and device_id to null, and events need one of them. Name the column of the input.') -%}
    {%- endif -%}
{% endmacro %}


{# Whether a setting can be the source of a column: null, a name, {value: a constant}, or a list of them. #}
{% macro is_source(named) %}
    {%- if named is none -%}{{- return(true) -}}{%- endif -%}
    {%- if named is string -%}{{- return(named | trim | length > 0) -}}{%- endif -%}
    {%- if named is mapping -%}
        {{- return(named.keys() | list == ['value'] and (named['value'] is string or (named['value'] is number and named['value'] is not boolean))) -}}
    {%- endif -%}
    {%- if named is not iterable or not named -%}{{- return(false) -}}{%- endif -%}
    {%- for one in named if (one is not string and one is not none and one is not mapping) or not dwell.is_source(one) -%}
        {{- return(false) -}}
    {%- endfor -%}
    {{- return(true) -}}
{% endmacro %}


{# A format of strptime names a day, and no abbreviation of a zone. #}
{% macro check_time_format(input) %}
    {%- set name, format = input.time_setting, input.time_format -%}
    {%- if ('%' in format or format == 'excel') and target.type != 'duckdb' -%}
        {%- do dwell.raise_error(
            name ~ ' ' ~ format ~ ' is read on DuckDB only. Make a view whose column has the type timestamp, and name the view in '
            ~ input.name ~ '_relation.'
        ) -%}
    {%- elif '%' in format and not (
        modules.re.search('^(%-?[aAbBdfgHIjmMnpSyYz%]|[^%\x00])*$', format)
        and modules.re.search('%-?[yY]', format) and modules.re.search('%-?[dj]', format)
    ) -%}
        {%- do dwell.setting_error(
            name, name ~ ' ' ~ format ~ ' is no format of a time with its day. It may have %Y %y %m %b %B %d %j %a %A %H %I %p %M %S '
            ~ '%g (milliseconds) %f (microseconds) %n (nanoseconds) %z (an offset), and - after % for a number without leading zeros.'
        ) -%}
    {%- endif -%}
{% endmacro %}
