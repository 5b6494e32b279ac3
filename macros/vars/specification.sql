{# Every setting, in the order of docs/reference/settings.md. The checks, their errors, and that page come from here; the
   defaults are in dbt_project.yml.

   type          what is_valid_setting checks, with min and max, choices, options (of a mapping), and is_null_allowed
   expects       what a value must be, where describe_type has no better phrase
   note          a hint that the errors show too
   example       YAML, without single quotes, to paste into --vars '{...}'
   full_refresh  the inputs whose stored rows another value would change #}
{% macro settings_specification() %}
    {%- set path = {
        'section': 'input', 'type': 'list of text', 'is_null_allowed': true, 'is_text_allowed': true, 'is_filled': true,
        'expects': 'a path, a glob, or a list of them', 'full_refresh': [],
    } -%}
    {%- set relation = {
        'section': 'input', 'type': 'relation', 'is_null_allowed': true,
        'note': 'Write names without quotes. A path of a file belongs in the setting that ends in _path.',
    } -%}
    {%- set loaded_at = {'section': 'input', 'type': 'text', 'is_null_allowed': true, 'expects': 'the name of a column', 'example': 'loaded_at'} -%}
    {%- set columns = {
        'section': 'input', 'type': 'mapping',
        'note': 'A column is a name; a list of names, of which the first that a file has counts; {value: ...} for the same value in all rows; or null.',
    } -%}
    {%- set format = {'section': 'input', 'type': 'choice', 'choices': ['csv', 'json', 'parquet'], 'is_null_allowed': true, 'example': 'csv'} -%}
    {%- set csv = {
        'section': 'input', 'type': 'mapping', 'example': '{delim: ;, skip: 2}', 'options': {
            'delim': {'type': 'text', 'pattern': '[^"\\r\\n]', 'expects': 'one character, and no quotation mark'},
            'encoding': {'type': 'choice', 'choices': ['utf-8', 'utf-16', 'latin-1'], 'note': 'Convert others, as in iconv -f cp1252 -t utf-8.'},
            'header': {'type': 'boolean'},
            'names': {'type': 'list of text', 'is_filled': true, 'is_unique': true, 'expects': 'a list of different names, one for each column'},
            'skip': {'type': 'integer', 'min': 0, 'max': 1000},
        },
    } -%}
    {%- set json = {'section': 'input', 'type': 'mapping', 'example': '{rows: data.rows}', 'options': {'rows': {'type': 'text', 'expects': 'a key, or a path as in data.rows'}}} -%}
    {%- set time_format = {
        'section': 'input', 'type': 'time format', 'choices': ['auto', 'iso', 'excel'] + dwell.microseconds_of_units().keys() | list,
        'example': '"%d/%m/%Y %H:%M"',
    } -%}
    {%- set received_at = {'section': 'input', 'type': 'time', 'is_null_allowed': true, 'example': '"2025-07-01 12:00:00"'} -%}
    {%- set zone = {
        'type': 'time zone', 'example': 'Europe/Berlin',
        'note': 'An abbreviation such as BST means several zones. A fixed offset of +02:00 is called Etc/GMT-2, with the opposite sign.',
    } -%}
    {%- set event_names = {
        'section': 'sessions', 'type': 'list of text', 'is_text_allowed': true, 'expects': 'an event name or a list of them', 'full_refresh': ['events'],
    } -%}
    {{- return({
        'events_path': dict(path, example='data/*.csv', description=
            'Files with events: CSV, Parquet, or JSON, local or under s3:// or https://. If no input is set, of events or of heartbeats, dwell reads the samples in seeds/.'),
        'events_relation': dict(relation, full_refresh=['events'], example='raw.events', description=
            'A table or view with events, instead of files.'),
        'events_loaded_at': dict(loaded_at, full_refresh=['events'], description=
            'The column of events_relation with the time when a row was loaded, a timestamp in UTC that is never null. Runs then read what was loaded since the last run, and the day before that again. Without it, each run reads the entire relation.'),
        'load_settle_seconds': {
            'section': 'input', 'type': 'number', 'min': 0, 'max': 86400, 'unit': 'seconds', 'full_refresh': [], 'example': '300', 'description':
            'How far a run stays behind the newest load time, so that it misses no transaction that commits late: at least as long as your loader takes to commit.',
        },
        'events_columns': dict(columns, full_refresh=['events'], example='{user_id: customer, client: null}', description=
            'What the input calls the columns of events, where it has other names. event_id, which has no default, names an id that distinguishes otherwise equal events.'),
        'events_format': dict(format, full_refresh=['events'], description=
            'The format of all files. With null, the ends of their names decide.'),
        'events_csv': dict(csv, full_refresh=['events'], description=
            'How text files are written, where dwell does not detect it. Without a header (header: false), the columns are column0, column1, ..., or those of names.'),
        'events_json': dict(json, full_refresh=['events'], description=
            'The path to the list of rows, where JSON files hold an object around it, as in {"data": {"rows": [...]}}.'),
        'event_time_format': dict(time_format, full_refresh=['events'], description=
            'How times are written. auto chooses between iso and the epoch formats once for each file. excel counts days since 1899-12-30. Only DuckDB reads excel and formats with %.'),
        'events_received_at': dict(received_at, full_refresh=['events'], description=
            'When files were received, where their times of modification are wrong. With null, a file was received when it was modified, unless most of its events are later.'),
        'heartbeats_path': dict(path, example='landing/*.parquet', description=
            'Files with heartbeats: landing files of dwell ingest, or others.'),
        'heartbeats_relation': dict(relation, full_refresh=['heartbeats'], example='raw.heartbeats', description=
            'A table or view with heartbeats, instead of files.'),
        'heartbeats_loaded_at': dict(loaded_at, full_refresh=['heartbeats'], description=
            'As events_loaded_at, for heartbeats_relation. Of the day before the last run, only rows under new load times are read.'),
        'heartbeats_columns': dict(columns, full_refresh=['heartbeats'], example='{user_id: viewer, device: player}', description=
            'What the input calls the columns of heartbeats, where it has other names. A heartbeat needs all of them.'),
        'heartbeats_format': dict(format, full_refresh=['heartbeats'], description='As events_format.'),
        'heartbeats_csv': dict(csv, full_refresh=['heartbeats'], description='As events_csv.'),
        'heartbeats_json': dict(json, full_refresh=['heartbeats'], description='As events_json.'),
        'heartbeats_time_format': dict(time_format, full_refresh=['heartbeats'], description='As event_time_format.'),
        'heartbeats_received_at': dict(received_at, full_refresh=['heartbeats'], description='As events_received_at.'),
        'heartbeats_max_messages_per_run': {
            'section': 'input', 'type': 'integer', 'min': 1, 'max': 1000000000000, 'is_null_allowed': true, 'unit': 'messages',
            'full_refresh': [], 'example': '5000000', 'description':
            'How many messages of landing files a run loads, the oldest first; the next run continues. A million takes about 0.13 GB of memory. With null, a run loads all.',
        },
        'source_timezone': dict(zone, section='input', full_refresh=['events', 'heartbeats'], description=
            'The time zone of times that are written without one.'),
        'null_values': {
            'section': 'input', 'type': 'list of text', 'full_refresh': ['events', 'heartbeats'], 'example': '["NULL", "-"]', 'description':
            'Texts that mean a missing value, besides empty text.',
        },
        'future_tolerance_minutes': {
            'section': 'cleaning', 'type': 'number', 'min': 0, 'max': 5256000, 'unit': 'minutes', 'full_refresh': ['events', 'heartbeats'],
            'example': '5', 'description': 'How far the time of an event or heartbeat may be past the time when it was received. Later ones are rejected.',
        },
        'earliest_event_date': {
            'section': 'cleaning', 'type': 'date', 'min': '1973-01-01', 'full_refresh': ['events', 'heartbeats'], 'example': '2020-01-01',
            'note': 'Before 1973, some time zones had offsets with seconds, and dwell counts days in minutes.', 'description':
            'Events and heartbeats before this date (UTC) are rejected.',
        },
        'max_rejected_ratio': {
            'section': 'cleaning', 'type': 'number', 'min': 0, 'max': 1, 'full_refresh': [], 'example': '0.9', 'description':
            'The share of what a run reads that may be rejected. Above it, the run stops, because its columns or formats may be wrong. With 1, there is no limit.',
        },
        'drop_exact_duplicates': {
            'section': 'cleaning', 'type': 'boolean', 'full_refresh': ['events'], 'example': 'false', 'description':
            'Whether events that are equal in all columns, and in event_id where events_columns names it, count once.',
        },
        'session_timeout_minutes': {
            'section': 'sessions', 'type': 'number', 'min': 0.001, 'max': 1440, 'unit': 'minutes', 'full_refresh': ['events'],
            'example': '20', 'description': 'The longest gap between two events of one session. A gap over it starts a new session.',
        },
        'session_key': {
            'section': 'sessions', 'type': 'list of text', 'is_text_allowed': true, 'is_filled': true, 'is_unique': true,
            'choices': ['user_id', 'device_id'], 'expects': '[user_id, device_id], [user_id], or [device_id]', 'full_refresh': ['events'],
            'example': '[user_id]', 'description': 'Who the visitor is whose events form a session.',
        },
        'session_max_hours': {
            'section': 'sessions', 'type': 'number', 'min': 0.001, 'max': 87600, 'is_null_allowed': true, 'unit': 'hours',
            'full_refresh': ['events'], 'example': '12', 'description': 'The length at which a session is cut and the next one starts. With null, there is no limit.',
        },
        'session_split_at_midnight': {
            'section': 'sessions', 'type': 'boolean', 'full_refresh': ['events'], 'example': 'true', 'description':
            'Whether a session ends at midnight in reporting_timezone.',
        },
        'session_start_events': dict(event_names, example='[app_open, campaign_click]', description=
            'Names of events that always start a session.'),
        'ignored_events': dict(event_names, example='[push_received]', description=
            'Names of events that are no activity: dwell stores them, without a session.'),
        'watch_timeout_seconds': {
            'section': 'streams', 'type': 'number', 'min': 0.001, 'max': 86400, 'unit': 'seconds', 'full_refresh': ['heartbeats'],
            'example': '90', 'description': 'The longest gap between two heartbeats of one stream. A gap over it ends the stream.',
        },
        'watch_as_of': {
            'section': 'streams', 'type': 'text', 'is_null_allowed': true, 'expects': 'a time in ISO 8601', 'full_refresh': [],
            'example': '"2025-03-18T21:00:00Z"', 'description':
            'A watermark override: the watermark is at least this time, so that the streams of a source without new heartbeats end. The watermark never goes back. With null, it follows the heartbeats.',
        },
        'reporting_timezone': dict(zone, section='reporting', full_refresh=['events'], description=
            'The time zone at whose midnight days start and end.'),
        'pseudonymize_user_ids': {
            'section': 'privacy', 'type': 'boolean', 'full_refresh': ['events', 'heartbeats'], 'example': 'true', 'description':
            'Whether keyed hashes replace user ids before they are stored. DuckDB only; needs pseudonym_key_file.',
        },
        'pseudonym_key_file': {
            'section': 'privacy', 'type': 'text', 'is_null_allowed': true, 'expects': 'the path of a file', 'full_refresh': [],
            'example': 'dwell.key', 'description':
            'The file with the key of pseudonyms, 16 characters or more. Another key gives other pseudonyms, and needs a full refresh. Statements read the file themselves, so that no compiled file and no log contains the key.',
        },
    }) -}}
{% endmacro %}
