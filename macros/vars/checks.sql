{# The checks and errors that follow from settings_specification. They ask no database. #}

{# Each setting by itself, then those that may contradict each other. Needs no connection. #}
{% macro check_setting_values() %}
    {%- for name, rule in dwell.settings_specification().items() -%}{%- do dwell.check_setting(name, rule) -%}{%- endfor -%}
    {%- for name in dwell.input_names() -%}{%- do dwell.check_input_settings(dwell.input(name)) -%}{%- endfor -%}
    {%- for event in dwell.as_list(var('session_start_events')) if event | trim | lower in dwell.as_list(var('ignored_events')) | map('trim') | map('lower') -%}
        {%- do dwell.raise_error(event ~ ' is in session_start_events and in ignored_events: it cannot both start a session and be no activity. Remove it from one of them.') -%}
    {%- endfor -%}
{% endmacro %}


{% macro check_setting(name, rule) %}
    {%- set value = var(name) -%}
    {%- if not dwell.is_valid_setting(value, rule) -%}
        {%- do dwell.refuse_setting(name) -%}
    {%- elif 'options' in rule -%}
        {%- for option, given in value.items() if not dwell.is_valid_setting(given, rule.options[option]) -%}
            {%- do dwell.refuse_setting(name, option) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{# Whether a value is what a rule of the specification asks for. Options of a mapping have rules of their own. #}
{% macro is_valid_setting(value, rule) %}
    {%- if value is none -%}
        {{- return(rule.is_null_allowed is true) -}}
    {%- elif rule.type == 'boolean' -%}
        {{- return(value is boolean) -}}
    {%- elif rule.type in ['number', 'integer'] -%}
        {#- a NaN is not within any bounds -#}
        {{- return(value is not boolean and value is number and (value is integer or rule.type == 'number')
            and rule.min <= value and value <= rule.max) -}}
    {%- elif rule.type == 'choice' -%}
        {{- return(value in rule.choices) -}}
    {%- elif rule.type == 'text' -%}
        {{- return(value is string
            and modules.re.search('\\A(' ~ rule.get('pattern', '[\\s\\S]*\\S[\\s\\S]*') ~ ')\\Z', value) is not none) -}}
    {%- elif rule.type == 'date' -%}
        {#- YAML makes a date of one without quotes -#}
        {{- return(dwell.is_a_date(value | string) and value | string >= rule.min) -}}
    {%- elif rule.type == 'time' -%}
        {{- return(value is string and dwell.is_a_date(value[:10])
            and modules.re.search('\\A( ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])?\\Z', value[10:]) is not none) -}}
    {%- elif rule.type == 'time zone' -%}
        {#- a name of a region: an engine may know BST too, and means Bangladesh's -#}
        {{- return(value is string and (value == 'UTC' or '/' in value)) -}}
    {%- elif rule.type == 'time format' -%}
        {{- return(value in rule.choices or (value is string and '%' in value)) -}}
    {%- elif rule.type == 'relation' -%}
        {{- return(dwell.parsed_reference({'relation': value}) is not none
            or (value is string and modules.re.search('\\A[^."()]+([.][^."()]+){0,2}\\Z', value) is not none)) -}}
    {%- elif rule.type == 'mapping' -%}
        {{- return(value is mapping and ('options' not in rule or value.keys() | reject('in', rule.options) | list | length == 0)) -}}
    {%- elif rule.type == 'list of text' -%}
        {%- if value is mapping or value is not iterable or (value is string and not rule.is_text_allowed) -%}{{- return(false) -}}{%- endif -%}
        {%- set items = dwell.as_list(value) -%}
        {{- return(items | reject('string') | list | length == 0
            and (not rule.is_filled or value | length > 0)
            and (not rule.is_unique or items | unique | list | length == items | length)
            and ('choices' not in rule or items | reject('in', rule.choices) | list | length == 0)) -}}
    {%- endif -%}
{% endmacro %}


{# What a value must be, as a phrase: "null or a number from 0.001 to 87600". #}
{% macro describe_type(rule) %}
    {%- set bounds = ' from ' ~ rule.min ~ ' to ' ~ rule.max -%}
    {%- set phrase = rule.expects or {
        'boolean': 'true or false',
        'number': 'a number' ~ bounds,
        'integer': 'a whole number' ~ bounds,
        'choice': 'one of ' ~ rule.choices | join(', '),
        'text': 'text',
        'date': 'a date, ' ~ rule.min ~ ' or later',
        'time': 'a time in UTC, in quotes',
        'time zone': 'a time zone by its name, as in Europe/Berlin or UTC',
        'time format': 'one of ' ~ rule.choices | join(', ') ~ ', or a format as in "%d/%m/%Y %H:%M"',
        'relation': "schema.table, database.schema.table, ref('model'), or source('source', 'table')",
        'mapping': 'a mapping' ~ (' that may have ' ~ rule.options.keys() | join(', ') if 'options' in rule else ''),
        'list of text': 'a list of texts',
    }[rule.type] -%}
    {{- return(('null or ' if rule.is_null_allowed else '') ~ phrase) -}}
{% endmacro %}


{# Stops the run: a setting, or an option of it, is not what the specification asks for. #}
{% macro refuse_setting(name, option=none) %}
    {%- set rule, value = dwell.settings_specification()[name], var(name) -%}
    {%- if option is not none -%}{%- set rule, value = rule.options[option], value[option] -%}{%- endif -%}
    {%- do dwell.setting_error(
        name,
        (name if option is none else option ~ ' in ' ~ name) ~ ' must be ' ~ dwell.describe_type(rule) ~ ', not ' ~ dwell.shown(value)
        ~ '.' ~ (' ' ~ rule.note if rule.note else '')
    ) -%}
{% endmacro %}


{# Stops the run with a sentence and the example of a setting. #}
{% macro setting_error(name, sentence) %}
    {%- do dwell.raise_error(
        sentence ~ " Example: --vars '{" ~ name ~ ': ' ~ dwell.settings_specification()[name].example ~ "}'."
    ) -%}
{% endmacro %}


{# A value as JSON. What may hold a date, of which JSON has none, is printed as Python prints it. #}
{% macro shown(value) %}
    {{- return(tojson(value) if value is none or value is string or value is number else value | string) -}}
{% endmacro %}


{% macro is_a_date(text) %}
    {%- if not modules.re.search('\\A(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\\Z', text) -%}{{- return(false) -}}{%- endif -%}
    {#- the 30th of February would be in March -#}
    {%- set start_of_month = modules.datetime.date(text[:4] | int, text[5:7] | int, 1) -%}
    {{- return((start_of_month + modules.datetime.timedelta(days=text[8:] | int - 1)).month == start_of_month.month) -}}
{% endmacro %}


{% macro as_list(value) %}
    {{- return([value] if value is string else value | list) -}}
{% endmacro %}


{# Stops the run with one line of at most 1,500 characters, whatever it quotes. #}
{% macro raise_error(sentence) %}
    {%- set sentence = dwell.escaped(modules.re.sub('[\r\n]+', ' ', sentence)) -%}
    {%- if sentence | length > 1500 -%}
        {%- set sentence = sentence[:1000] ~ ' (...) ' ~ sentence[-400:] -%}
    {%- endif -%}
    {{- exceptions.raise_compiler_error('dwell: ' ~ sentence) -}}
{% endmacro %}
