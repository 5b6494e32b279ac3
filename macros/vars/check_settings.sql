{# Runs at the start of each run, and stops it where settings are of the wrong kind, contradict
   each other, or differ from those that the stored tables were built with. #}
{% macro check_settings() %}
    {%- if dwell.is_selected() -%}
        {%- do dwell.refuse_models_of_one_name() -%}
        {%- do dwell.check_setting_values() -%}
    {%- endif -%}
    {%- if dwell.is_selected() and dwell.can_query() -%}
        {%- do dwell.check_zones() -%}
        {%- do dwell.check_transactions() -%}
        {%- do dwell.check_privacy() -%}
        {%- do dwell.check_watch_as_of() -%}
        {%- for name in dwell.inputs_in_use() -%}
            {%- set input = dwell.input(name) -%}
            {%- set is_left_alone = dwell.input_mode(input) == 'none' and not dwell.stores(input) -%}
            {%- if flags.WHICH in ('run', 'build', 'test') and not dwell.stores_from_scratch(input) and not is_left_alone -%}
                {%- do dwell.check_what_is_stored(input) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{# Whether the engine may be asked; `dbt compile --no-introspect` has no connection. #}
{% macro can_query() %}
    {{- return(execute and flags.INTROSPECT is not false) -}}
{% endmacro %}


{# Needs no connection, so that a model can call it while it is parsed, before it computes with what may
   be no number. #}
{% macro check_setting_values() %}
    {%- do dwell.check_input_settings() -%}
    {%- do dwell.check_rule_settings() -%}
    {%- do dwell.check_flag('pseudonymize_user_ids') -%}
    {%- set key = var('pseudonym_key_file') -%}
    {%- if key is not none and (key is not string or not key) -%}
        {%- do dwell.raise_error('pseudonym_key_file must be the path of a file, not ' ~ key ~ '.') -%}
    {%- endif -%}
{% endmacro %}


{# DuckDB calls a database as its file is called, and has databases of its own. A model asks this while it is parsed,
   for dbt makes the schema before any hook. #}
{% macro check_database_name() %}
    {%- set name = target.database -%}
    {%- if target.type == 'duckdb' and (name | lower in ['main', 'temp', 'system'] or modules.re.search('["\']', name)) -%}
        {%- do dwell.raise_error(
            'the database file must not be called ' ~ name ~ ': DuckDB calls the database as its file, and has databases main, temp '
            ~ 'and system of its own, and no name may hold a quote. Rename the file, or set DWELL_DATABASE to another.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{# {setting: the inputs of which stored rows would be others under another value}. #}
{% macro settings() %}
    {{- return({
        'events_path': [],
        'events_relation': ['events'],
        'events_loaded_at': ['events'],
        'load_settle_seconds': [],
        'events_columns': ['events'],
        'events_format': ['events'],
        'events_csv': ['events'],
        'events_json': ['events'],
        'event_time_format': ['events'],
        'events_received_at': ['events'],
        'heartbeats_path': [],
        'heartbeats_relation': ['heartbeats'],
        'heartbeats_loaded_at': ['heartbeats'],
        'heartbeats_columns': ['heartbeats'],
        'heartbeats_format': ['heartbeats'],
        'heartbeats_csv': ['heartbeats'],
        'heartbeats_json': ['heartbeats'],
        'heartbeats_time_format': ['heartbeats'],
        'heartbeats_received_at': ['heartbeats'],
        'heartbeats_max_messages_per_run': [],
        'source_timezone': ['events', 'heartbeats'],
        'null_values': ['events', 'heartbeats'],
        'future_tolerance_minutes': ['events', 'heartbeats'],
        'earliest_event_date': ['events', 'heartbeats'],
        'max_rejected_ratio': [],
        'drop_exact_duplicates': ['events'],
        'session_timeout_minutes': ['events'],
        'session_key': ['events'],
        'session_max_hours': ['events'],
        'session_split_at_midnight': ['events'],
        'session_start_events': ['events'],
        'ignored_events': ['events'],
        'watch_timeout_seconds': ['heartbeats'],
        'watch_as_of': [],
        'reporting_timezone': ['events'],
        'pseudonymize_user_ids': ['events', 'heartbeats'],
        'pseudonym_key_file': [],
    }) -}}
{% endmacro %}


{# Where a project that uses dwell has a model of a name that dwell has too, dbt gives it to dwell's models and tests, unless
   it is told otherwise. #}
{% macro refuse_models_of_one_name() %}
    {%- for node in graph.nodes.values() if node.package_name == 'dwell' and node.name not in dwell.models_that_read_inputs() -%}
        {%- for id in node.depends_on.nodes
            if id.split('.')[1] != 'dwell' and 'model.dwell.' ~ id.split('.')[2] in graph.nodes -%}
            {%- do dwell.raise_error(
                'dwell has a model ' ~ id.split('.')[2] ~ ' of its own, for which dbt would take yours. Add to your dbt_project.yml, under '
                ~ 'flags:, require_ref_searches_node_package_before_root: true.'
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}


{% macro check_input_settings() %}
    {%- for name in dwell.input_names() -%}{%- do dwell.check_source_settings(dwell.input(name)) -%}{%- endfor -%}
    {%- do dwell.check_event_columns() -%}
    {%- do dwell.check_heartbeat_columns() -%}
    {%- do dwell.check_time_format('event_time_format') -%}
    {%- do dwell.check_time_format('heartbeats_time_format') -%}
    {%- if var('heartbeats_max_messages_per_run') is not none -%}
        {%- do dwell.check_whole_number('heartbeats_max_messages_per_run', 1, 1000000000000) -%}
    {%- endif -%}
    {%- if not dwell.is_text_or_list(var('null_values')) or var('null_values') is string -%}
        {%- do dwell.raise_error('null_values must be a list of texts, as in ["\\N", "NULL"], not ' ~ var('null_values') ~ '.') -%}
    {%- endif -%}
    {%- do dwell.check_received_at('events_received_at') -%}
    {%- do dwell.check_received_at('heartbeats_received_at') -%}
    {%- do dwell.check_number('future_tolerance_minutes', 0, 5256000) -%}
    {%- do dwell.check_number('max_rejected_ratio', 0, 1) -%}
    {%- do dwell.check_number('load_settle_seconds', 0, 86400) -%}
    {%- do dwell.check_flag('drop_exact_duplicates') -%}
    {%- do dwell.check_earliest_event_date() -%}
{% endmacro %}


{# One of the words, or a format of strptime, which names a day and no abbreviation of a zone. #}
{% macro check_time_format(name) %}
    {%- set words, format = ['auto', 'iso', 'excel'] + dwell.microseconds_of_units().keys() | list, var(name) -%}
    {%- set is_format = format is string and '%' in format -%}
    {%- if not is_format and format not in words -%}
        {%- do dwell.raise_error(
            name ~ ' must be one of ' ~ words | join(', ') ~ ', or a format as in "%d/%m/%Y %H:%M", not ' ~ format ~ '.'
        ) -%}
    {%- elif (is_format or format == 'excel') and target.type != 'duckdb' -%}
        {%- do dwell.raise_error(
            name ~ ' ' ~ format ~ ' is read on DuckDB only. Make a view whose column has the type timestamp, and name the view in the setting.'
        ) -%}
    {%- elif is_format and not (
        modules.re.search('^(%-?[aAbBdfgHIjmMnpSyYz%]|[^%\x00])*$', format)
        and modules.re.search('%-?[yY]', format) and modules.re.search('%-?[dj]', format)
    ) -%}
        {%- do dwell.raise_error(
            name ~ ' ' ~ format ~ ' is no format of a time with its day, as in "%d/%m/%Y %H:%M" or "%b %-d, %Y %I:%M %p". It may have '
            ~ '%Y %y %m %b %B %d %j %a %A %H %I %p %M %S %g (milliseconds) %f (microseconds) %n (nanoseconds) %z (an offset), and - after % '
            ~ 'for a number without zeros before it.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{# A moment of UTC, or null. #}
{% macro check_received_at(name) %}
    {%- set value = var(name) -%}
    {%- if value is not none and not (
        value is string and modules.re.search('^[0-9]{4}-[0-9]{2}-[0-9]{2}( ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])?\\Z', value) and dwell.is_a_date(value[:10])
    ) -%}
        {%- do dwell.raise_error(name ~ ' must be null or a time of UTC in quotes, as in "2025-07-01 12:00:00", not ' ~ value ~ '.') -%}
    {%- endif -%}
{% endmacro %}


{# Where an input comes from: one place, written as such. #}
{% macro check_source_settings(input) %}
    {%- set name, path, relation = input.name, input.path, input.relation -%}
    {%- if path and relation -%}
        {%- do dwell.raise_error(name ~ '_path and ' ~ name ~ '_relation are both set. Keep one of them: ' ~ name ~ ' come from files or from a relation.') -%}
    {%- endif -%}
    {%- if path and not dwell.reads_files() -%}
        {%- do dwell.raise_error(name ~ '_path names files, which DuckDB reads, and this target is ' ~ target.type ~ '. Load them into a table there, and name it in ' ~ name ~ '_relation.') -%}
    {%- endif -%}
    {%- if path is not none and not dwell.is_text_or_list(path) -%}
        {%- do dwell.raise_error(name ~ '_path must be a path, a glob, or a list of them, not ' ~ path ~ '.') -%}
    {%- endif -%}
    {%- if path is not none and not path -%}
        {%- do dwell.raise_error(name ~ '_path is set, but names nothing. Give a path, a glob or a list of them, or null for the sample.') -%}
    {%- endif -%}
    {%- if relation is not none and not dwell.parsed_reference(input)
        and (relation is not string or not modules.re.match('^[^."()]+([.][^."()]+){0,2}$', relation)) -%}
        {%- do dwell.raise_error(name ~ "_relation must be written schema.table or database.schema.table, or ref('model') or source('source', 'table') for what dbt knows, not " ~ relation ~ '.') -%}
    {%- endif -%}
    {%- if input.loaded_at is not none and not relation -%}
        {%- do dwell.raise_error(name ~ '_loaded_at names a column of ' ~ name ~ '_relation, which is not set. Set it too, or leave ' ~ name ~ '_loaded_at out.') -%}
    {%- elif input.loaded_at is not none and input.loaded_at is not string -%}
        {%- do dwell.raise_error(name ~ '_loaded_at must be the name of a column, not ' ~ input.loaded_at ~ '.') -%}
    {%- endif -%}
    {%- if input.named is not mapping -%}
        {%- do dwell.raise_error(name ~ '_columns must be a mapping, as in {user_id: customer}, not ' ~ input.named ~ '.') -%}
    {%- endif -%}
    {%- do dwell.check_file_settings(input) -%}
    {%- for column in input.named if column not in input.columns -%}
        {%- do dwell.raise_error(name ~ '_columns maps ' ~ column ~ ', which is no column of dwell. The columns are ' ~ input.columns | join(', ')
            ~ (', and event_id for an id of the event' if name == 'events' else '') ~ '.') -%}
    {%- endfor -%}
    {%- for column, theirs in input.named.items() if not dwell.is_source(theirs) -%}
        {%- do dwell.raise_error(
            name ~ '_columns maps ' ~ column ~ ' to ' ~ tojson(theirs) ~ ', which is no name of a column. Write a name; a list of names, '
            ~ 'of which the first that a file has counts; {value: ...} for one value in all rows; or null where the input has none.'
        ) -%}
    {%- endfor -%}
{% endmacro %}


{# How files are written, where their names and content do not say it. #}
{% macro check_file_settings(input) %}
    {%- if input.format is not none -%}
        {%- do dwell.check_one_of(input.name ~ '_format', ['csv', 'json', 'parquet']) -%}
    {%- endif -%}
    {%- set name, csv = input.name ~ '_csv', input.csv -%}
    {%- set allowed = ['delim', 'encoding', 'header', 'names', 'skip'] -%}
    {%- if csv is not mapping or csv.keys() | reject('in', allowed) | list -%}
        {%- do dwell.raise_error(name ~ ' must be a mapping with some of ' ~ allowed | join(', ') ~ ', as in {delim: ;, skip: 2}, not ' ~ csv ~ '.') -%}
    {%- endif -%}
    {%- for key, value in csv.items() -%}
        {%- set is_right = {
            'delim': value is string and value | length == 1 and value not in ['"', '\n', '\r'],
            'encoding': value in ['utf-8', 'utf-16', 'latin-1'],
            'header': value is boolean,
            'names': value is not string and dwell.is_text_or_list(value) and value | length > 0 and value | unique | list | length == value | length,
            'skip': value is integer and value is not boolean and 0 <= value and value <= 1000,
        } -%}
        {%- if not is_right[key] -%}
            {%- do dwell.raise_error(
                name ~ ' has ' ~ key ~ ': ' ~ tojson(value) ~ '. It takes ' ~ {
                    'delim': 'one character', 'encoding': 'utf-8, utf-16 or latin-1 (convert others, as in iconv -f cp1252 -t utf-8)', 'header': 'true or false',
                    'names': 'a list of names, one for each column', 'skip': 'a number of lines from 0 to 1000',
                }[key] ~ '.'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if csv.get('names') and csv.get('header') -%}
        {%- do dwell.raise_error(name ~ ' has names for columns, and says that a header has them. Keep one; skip: 1 leaves a header out.') -%}
    {%- endif -%}
    {%- if input.json is not mapping or input.json.keys() | reject('eq', 'rows') | list
        or ('rows' in input.json and (input.json['rows'] is not string or not input.json['rows'] | trim)) -%}
        {%- do dwell.raise_error(input.name ~ '_json must be a mapping with rows, as in {rows: results} or {rows: data.rows}, not ' ~ tojson(input.json) ~ '.') -%}
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


{# Whether an input may lack a column: null is, or is among, what the setting names. #}
{% macro may_lack(input, column) %}
    {{- return(none in dwell.as_sources(input.named.get(column, column))) -}}
{% endmacro %}


{% macro check_event_columns() %}
    {%- set input = dwell.input('events') -%}
    {%- for column in ['event_name', 'event_time'] if dwell.may_lack(input, column) -%}
        {%- do dwell.raise_error('events_columns maps ' ~ column ~ ' to nothing, and an event needs one.') -%}
    {%- endfor -%}
    {%- if dwell.as_sources(input.named.get('user_id', '')) == [none] and dwell.as_sources(input.named.get('device_id', '')) == [none] -%}
        {%- do dwell.raise_error('events_columns maps user_id and device_id to nothing, and an event needs one of them.') -%}
    {%- endif -%}
{% endmacro %}


{% macro check_heartbeat_columns() %}
    {%- set input = dwell.input('heartbeats') -%}
    {%- for column in input.columns if dwell.may_lack(input, column) -%}
        {%- do dwell.raise_error('heartbeats_columns maps ' ~ column ~ ' to nothing, and a heartbeat needs one.') -%}
    {%- endfor -%}
{% endmacro %}


{% macro check_earliest_event_date() %}
    {%- set earliest = var('earliest_event_date') | string -%}
    {%- if not dwell.is_a_date(earliest) -%}
        {%- do dwell.raise_error('earliest_event_date must be a date, as in 2000-01-01, not ' ~ earliest ~ '.') -%}
    {%- elif earliest < '1973-01-01' -%}
        {%- do dwell.raise_error('earliest_event_date must be 1973-01-01 or later, not ' ~ earliest ~ ': before, time zones differed by less than minutes, which days are counted in.') -%}
    {%- endif -%}
{% endmacro %}


{% macro is_a_date(text) %}
    {{- return(
        modules.re.match('^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\\Z', text) is not none
        and text[8:] | int <= dwell.days_in_month(text[:4] | int, text[5:7] | int)
    ) -}}
{% endmacro %}


{% macro days_in_month(year, month) %}
    {%- set is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) -%}
    {{- return([31, 29 if is_leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]) -}}
{% endmacro %}


{% macro check_rule_settings() %}
    {%- do dwell.check_number('session_timeout_minutes', 0.001, 1440) -%}
    {%- do dwell.check_number('watch_timeout_seconds', 0.001, 86400) -%}
    {%- do dwell.check_flag('session_split_at_midnight') -%}
    {%- if var('session_max_hours') is not none -%}
        {%- do dwell.check_number('session_max_hours', 0.001, 87600) -%}
    {%- endif -%}
    {%- set key = dwell.as_list(var('session_key')) if dwell.is_text_or_list(var('session_key')) else [] -%}
    {%- if key | sort not in [['device_id', 'user_id'], ['user_id'], ['device_id']] -%}
        {%- do dwell.raise_error('session_key must be [user_id, device_id], [user_id] or [device_id], not ' ~ var('session_key') ~ '.') -%}
    {%- endif -%}
    {%- for name in ['session_start_events', 'ignored_events'] if not dwell.is_text_or_list(var(name)) -%}
        {%- do dwell.raise_error(name ~ ' must be a list of event names, not ' ~ var(name) ~ '.') -%}
    {%- endfor -%}
    {%- for event in dwell.as_list(var('session_start_events')) if event | trim | lower in dwell.as_list(var('ignored_events')) | map('trim') | map('lower') -%}
        {%- do dwell.raise_error(event ~ ' is in session_start_events and in ignored_events: it cannot both begin a session and be no activity.') -%}
    {%- endfor -%}
{% endmacro %}


{% macro check_zones() %}
    {%- if dwell.connection_zone() is not none -%}
        {%- set zone = run_query('select ' ~ dwell.connection_zone()).columns[0].values()[0] -%}
        {%- if zone not in ['UTC', 'Etc/UTC', 'GMT'] -%}
            {%- do dwell.raise_error('the time zone of the session is ' ~ zone ~ ', and dwell computes in UTC. Set spark.sql.session.timeZone to UTC.') -%}
        {%- endif -%}
    {%- endif -%}
    {%- for name in ['source_timezone', 'reporting_timezone'] -%}
        {#- an abbreviation means several zones: an engine takes BST for Bangladesh's -#}
        {%- if var(name) != 'UTC'
            and ('/' not in var(name) | string or not run_query(dwell.zones_named(var(name))).rows) -%}
            {%- do dwell.raise_error(
                name ~ ' must be a time zone by its name, as in Europe/Berlin or UTC, not ' ~ var(name)
                ~ '. An abbreviation, as BST, means several zones. A fixed offset of +02:00 is called Etc/GMT-2, with the other sign.'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{# A load and the record of it are one transaction, or a run that dies between the two loses rows. #}
{% macro check_transactions() %}
    {%- set by = dwell.without_transactions_by() -%}
    {%- if by is not none -%}
        {%- do dwell.raise_error(by ~ ' makes dbt send no BEGIN and no COMMIT, and a run that dies would lose what it has loaded. Set it to false.') -%}
    {%- endif -%}
{% endmacro %}


{% macro check_watch_as_of() %}
    {%- set as_of = var('watch_as_of') -%}
    {%- if as_of is not none and (as_of is not string or run_query(
        'select ' ~ dwell.parse_time(dwell.text(as_of), 'iso') ~ ' is null'
    ).columns[0].values()[0]) -%}
        {%- do dwell.raise_error('watch_as_of must be a moment, as in 2025-03-18T21:00:00Z, not ' ~ as_of ~ '.') -%}
    {%- endif -%}
{% endmacro %}


{% macro check_privacy() %}
    {%- if var('pseudonymize_user_ids') and target.type != 'duckdb' -%}
        {%- do dwell.raise_error('pseudonymize_user_ids works on DuckDB only: elsewhere, the key would stand in the text of statements and in their logs. Give pseudonyms to ' ~ target.type ~ ' instead of ids, and set it to false.') -%}
    {%- elif var('pseudonymize_user_ids') and not dwell.fingerprint_of_key() -%}
        {%- do dwell.raise_error(dwell.missing_key()) -%}
    {%- endif -%}
{% endmacro %}


{# Tells one key from another without telling the key; none where it is too short. #}
{% macro fingerprint_of_key() %}
    {%- set path = var('pseudonym_key_file') -%}
    {%- if path is none -%}
        {%- do dwell.raise_error('pseudonymize_user_ids needs a secret key: name a file that holds 16 characters or more in the setting pseudonym_key_file.') -%}
    {%- endif -%}
    {{- return(try_or_compiler_error(
        'dwell: ' ~ dwell.escaped(dwell.missing_key()), run_query, 'select ' ~ dwell.key_fingerprint()
    ).columns[0].values()[0]) -}}
{% endmacro %}


{% macro missing_key() %}
    {{- return(
        'pseudonym_key_file must name a file with a key of 16 characters or more, and ' ~ var('pseudonym_key_file')
        ~ ' is none. Write one, as in openssl rand -hex 32 > dwell.key.'
    ) -}}
{% endmacro %}


{# JSON: what the stored rows of an input depend on. #}
{% macro settings_in_force(input) %}
    {%- set values = {'input': dwell.input_name(input), 'project': project_name} -%}
    {%- for name, inputs in dwell.settings().items() if input.name in inputs and not name.endswith('_relation') -%}
        {%- do values.update({name: var(name)}) -%}
    {%- endfor -%}
    {%- if 'session_key' in values -%}
        {%- do values.update({'session_key': dwell.session_key() | sort}) -%}
    {%- endif -%}
    {%- do values.update({'earliest_event_date': var('earliest_event_date') | string}) -%}
    {%- if var('pseudonymize_user_ids') -%}
        {%- do values.update({'pseudonym_key': dwell.fingerprint_of_key()}) -%}
    {%- endif -%}
    {{- return(tojson(values, sort_keys=true)) -}}
{% endmacro %}


{# What is stored must be of this project, of recorded loads, and of these settings. #}
{% macro check_what_is_stored(input) %}
    {%- set built = run_query('select max(settings) from ' ~ dwell.loads(input)).columns[0].values()[0] -%}
    {%- set now = fromjson(dwell.settings_in_force(input)) -%}
    {%- set before = dict({'project': project_name}, **fromjson(built or '{}')) -%}
    {%- if before['project'] != project_name -%}
        {%- do dwell.raise_error(
            'the tables that begin with dwell_ in the schema ' ~ target.schema ~ ' belong to the project ' ~ before['project']
            ~ '. Give ' ~ project_name ~ ' a schema of its own, in profiles.yml; or, if the project was renamed, build everything anew with '
            ~ '--full-refresh.'
        ) -%}
    {%- elif not built -%}
        {%- do dwell.refuse_a_copy(input) -%}
    {%- elif before != now -%}
        {%- set differences = [] -%}
        {%- for name in now if now[name] != before.get(name) -%}
            {%- do differences.append(
                name ~ ' was ' ~ tojson(before.get(name)) ~ ' and is ' ~ tojson(now[name])
            ) -%}
        {%- endfor -%}
        {%- do dwell.raise_error(
            'the tables were built with other settings: ' ~ (differences or ['a setting of an older version']) | join('; ')
            ~ '. Set it as before, or build everything anew with --full-refresh (make: FULL_REFRESH=1), '
            ~ 'or build into another DWELL_DATABASE.'
        ) -%}
    {%- endif -%}
{% endmacro %}
