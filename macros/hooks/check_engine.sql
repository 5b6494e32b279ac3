{# What only the engine knows. These checks need a connection. #}
{% macro check_engine() %}
    {%- do dwell.check_zones() -%}
    {%- do dwell.check_transactions() -%}
    {%- do dwell.check_privacy() -%}
    {%- do dwell.check_watch_as_of() -%}
{% endmacro %}


{% macro check_zones() %}
    {%- if dwell.connection_zone() is not none -%}
        {%- set zone = run_query('select ' ~ dwell.connection_zone()).columns[0].values()[0] -%}
        {%- if zone not in ['UTC', 'Etc/UTC', 'GMT'] -%}
            {%- do dwell.raise_error('the time zone of the session is ' ~ zone ~ ', and dwell computes in UTC. Set spark.sql.session.timeZone to UTC.') -%}
        {%- endif -%}
    {%- endif -%}
    {%- for name in ['source_timezone', 'reporting_timezone'] if var(name) != 'UTC' and not run_query(dwell.zones_named(var(name))).rows -%}
        {%- do dwell.refuse_setting(name) -%}
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
    {%- if var('watch_as_of') is not none and run_query(
        'select ' ~ dwell.parse_time(dwell.text(var('watch_as_of')), 'iso') ~ ' is null'
    ).columns[0].values()[0] -%}
        {%- do dwell.refuse_setting('watch_as_of') -%}
    {%- endif -%}
{% endmacro %}


{% macro check_privacy() %}
    {%- if var('pseudonymize_user_ids') and target.type != 'duckdb' -%}
        {%- do dwell.raise_error('pseudonymize_user_ids works on DuckDB only: elsewhere, statements and their logs would contain the key. Give pseudonyms to ' ~ target.type ~ ' instead of ids, and set it to false.') -%}
    {%- elif var('pseudonymize_user_ids') and not dwell.fingerprint_of_key() -%}
        {%- do dwell.raise_error(dwell.missing_key()) -%}
    {%- endif -%}
{% endmacro %}


{# Distinguishes keys without revealing them; none where the key is too short. #}
{% macro fingerprint_of_key() %}
    {%- if var('pseudonym_key_file') is none -%}
        {%- do dwell.setting_error(
            'pseudonym_key_file', 'pseudonymize_user_ids needs a secret key: name a file with 16 characters or more in pseudonym_key_file.'
        ) -%}
    {%- endif -%}
    {{- return(try_or_compiler_error(
        'dwell: ' ~ dwell.escaped(dwell.missing_key()), run_query, 'select ' ~ dwell.key_fingerprint()
    ).columns[0].values()[0]) -}}
{% endmacro %}


{% macro missing_key() %}
    {{- return(
        'pseudonym_key_file must be the path of a file with a key of 16 characters or more, not ' ~ dwell.shown(var('pseudonym_key_file'))
        ~ '. Write one, as in openssl rand -hex 32 > dwell.key.'
    ) -}}
{% endmacro %}
