{# DuckDB names a database after its file, and has databases of its own. A model calls this while it is parsed, because dbt
   creates the schema before any hook. #}
{% macro check_database_name() %}
    {%- set name = target.database -%}
    {%- if target.type == 'duckdb' and (name | lower in ['main', 'temp', 'system'] or modules.re.search('["\']', name)) -%}
        {%- do dwell.raise_error(
            'the database file must not be called ' ~ name ~ ': DuckDB names the database after its file, has databases main, temp, '
            ~ 'and system of its own, and allows no quote in a name. Rename the file, or set DWELL_DATABASE to another.'
        ) -%}
    {%- endif -%}
{% endmacro %}
