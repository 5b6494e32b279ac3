{# Where Spark differs. Its tables are Iceberg's, for those of Parquet cannot be deleted from; its TIMESTAMP is an
   instant, and the session's time zone is UTC. #}

{% macro spark__type_double() -%}
    double
{%- endmacro %}

{# a backslash escapes in a literal; a line break is escaped, because line breaks separate statements #}
{% macro spark__text(value) -%}
    '{{ value | replace("\\", "\\\\") | replace("'", "\\'") | replace("\n", "\\n") | replace("\r", "\\r") }}'
{%- endmacro %}

{% macro spark__quoted(name) -%}
    {{- return('`' ~ name | replace('`', '``') ~ '`') -}}
{%- endmacro %}

{% macro spark__clean_text(column) -%}
    nullif(trim(both ' \t\n\r' from {{ column }}), '')
{%- endmacro %}


{% macro spark__timestamp_is_instant() -%}
    {{- return(true) -}}
{%- endmacro %}

{% macro spark__microseconds(timestamp) -%}
    unix_micros({{ timestamp }})
{%- endmacro %}

{% macro spark__time_of_microseconds(microseconds) -%}
    timestamp_micros({{ microseconds }})
{%- endmacro %}

{% macro spark__later_by(timestamp, microseconds) -%}
    timestamp_micros(unix_micros({{ timestamp }}) + {{ microseconds }})
{%- endmacro %}

{% macro spark__local_date(timestamp, zone) -%}
    cast({{ timestamp if zone == 'UTC' else 'from_utc_timestamp(' ~ timestamp ~ ', ' ~ dwell.text(zone) ~ ')' }} as date)
{%- endmacro %}

{% macro spark__days_from(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}

{% macro spark__start_of_local_day(date, zone) -%}
    to_utc_timestamp(cast({{ date }} as timestamp), {{ dwell.text(zone) }})
{%- endmacro %}

{# a sequence from 1 to 0 would count backwards #}
{% macro spark__numbers_to(count) -%}
    lateral (
        select explode(case when {{ count }} >= 1 then sequence(1, cast({{ count }} as int)) else array() end) as n
    )
{%- endmacro %}

{# a timestamp is an instant already #}
{% macro spark__as_load_time(column, kind) -%}
    cast({{ column }} as timestamp)
{%- endmacro %}

{% macro spark__connection_zone() -%}
    current_timezone()
{%- endmacro %}

{# the first use of a zone that there is not is refused by Spark itself #}
{% macro spark__zones_named(name) -%}
    select 1
{%- endmacro %}


{% macro spark__json_of(columns) -%}
    to_json(named_struct({{ dwell.keys_and_values(columns) }}), map('ignoreNullFields', 'false'))
{%- endmacro %}

{% macro spark__json_text(json, key) -%}
    get_json_object({{ json }}, {{ dwell.text('$.' ~ key) }})
{%- endmacro %}


{# Spark takes one statement at a time: all but the last are run at once. No literal has a line's end in it. #}
{% macro spark__statements(text) -%}
    {%- set found = [] -%}
    {%- for statement in modules.re.split(';[ ]*\n', text ~ '\n') if modules.re.sub('--[^\n]*', '', statement) | trim -%}
        {%- do found.append(statement) -%}
    {%- endfor -%}
    {%- for statement in found[:-1] -%}{%- do run_query(statement) -%}{%- endfor -%}
    {{- return(found[-1] if found else '') -}}
{%- endmacro %}

{% macro spark__create_table(relation, columns, or_replace) -%}
    create {{ 'or replace table' if or_replace else 'table if not exists' }} {{ relation }} (
        {{- dwell.columns_with_types(columns) -}}
    ) using iceberg
{%- endmacro %}

{% macro spark__scratch(name) -%}
    {{- return(dwell.own_table(name)) -}}
{%- endmacro %}

{% macro spark__create_scratch(name, query) -%}
    create or replace table {{ dwell.own_table(name) }} using iceberg as {{ query }}
{%- endmacro %}

{% macro spark__fail_with(text) -%}
    raise_error({{ text }})
{%- endmacro %}

{% macro spark__has_transactions() -%}
    {{- return(false) -}}
{%- endmacro %}

{% macro spark__replace_islands(target, recomputed, columns, meta) -%}
    {{- return(dwell.statements(dwell.merge_affected_islands(target, recomputed, columns, meta))) -}}
{%- endmacro %}


{% macro spark__parse_time(column, kind) -%}
    {%- set zone = var('source_timezone') -%}
    {%- set units = dwell.microseconds_of_units() -%}
    {%- set in_zone = 'to_utc_timestamp(%s, ' ~ dwell.text(zone) ~ ')' if zone != 'UTC' else '%s' -%}
    {%- if kind in units -%}
        timestamp_micros(try_cast(round(try_cast({{ column }} as decimal(25, 6)) * {{ units[kind] }}) as bigint))
    {%- elif kind == 'iso' -%}
        {%- set time_text = 'trim(cast(' ~ column ~ ' as string))' -%}
        coalesce({{ dwell.spark__iso_time(time_text, in_zone) }}, {{ dwell.spark__iso_time(dwell.rewritten_time(time_text), in_zone) }})
    {%- elif kind == 'timestamp_with_zone' -%}
        {{ column }}
    {%- else -%}
        {{ in_zone | replace('%s', 'cast(' ~ column ~ ' as timestamp)') }}
    {%- endif -%}
{%- endmacro %}

{# Spark takes BST for the zone of Bangladesh, and an offset after a blank for one of its own. #}
{% macro spark__iso_time(time_text, in_zone) -%}
    case
        when {{ time_text }} rlike '(:[0-9.]+[Zz]|:[0-9.]+[+-][0-9]{2}(:?[0-9]{2})?)$' then try_cast({{ time_text }} as timestamp)
        when not {{ time_text }} rlike '([A-Za-z]|:[0-9.]+ *[+-][0-9:]+)$' then {{ in_zone | replace('%s', 'try_cast(' ~ time_text ~ ' as timestamp)') }}
    end
{%- endmacro %}


{% macro spark__regex_replace(text, pattern, replacement) -%}
    regexp_replace({{ text }}, {{ dwell.text(pattern) }}, {{ dwell.text(replacement | replace('\\', '$')) }})
{%- endmacro %}


{# dbt-spark knows its own strategies only. #}
{% macro dbt_spark_validate_get_incremental_strategy(raw_strategy, file_format) %}
    {%- if raw_strategy == 'replace_islands' -%}
        {%- if file_format != 'iceberg' -%}
            {%- do dwell.raise_error('on Spark, the tables must be iceberg, not ' ~ file_format ~ ': set +file_format for dwell in dbt_project.yml.') -%}
        {%- endif -%}
        {{- return('replace_islands') -}}
    {%- endif -%}
    {{- return(dbt.dbt_spark_validate_get_incremental_strategy(raw_strategy, file_format)) -}}
{% endmacro %}

{% macro dbt_spark_get_incremental_sql(strategy, source, target, existing, unique_key, incremental_predicates) %}
    {%- if strategy == 'replace_islands' -%}
        {{- return(dwell.replace_islands(
            target, source, adapter.get_columns_in_relation(target), config.get('meta')
        )) -}}
    {%- endif -%}
    {{- return(dbt.dbt_spark_get_incremental_sql(
        strategy, source, target, existing, unique_key, incremental_predicates
    )) -}}
{% endmacro %}


{# A seed's rows as literals: as parameters, dbt-spark would write None for null, and break at a quote. #}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- for chunk in agate_table.rows | batch(1000) -%}
        {%- set rows = [] -%}
        {%- for row in chunk -%}
            {%- set values = [] -%}
            {%- for value in row -%}
                {%- set name = agate_table.column_names[loop.index0] -%}
                {%- set type = types.get(name, adapter.convert_type(agate_table, loop.index0)) -%}
                {%- do values.append('cast(' ~ ('null' if value is none else dwell.text(value)) ~ ' as ' ~ type ~ ')') -%}
            {%- endfor -%}
            {%- do rows.append('(' ~ values | join(', ') ~ ')') -%}
        {%- endfor -%}
        {%- do adapter.add_query('insert into ' ~ this ~ ' values ' ~ rows | join(', '), abridge_sql_log=True) -%}
    {%- endfor -%}
    {{- return('-- ' ~ agate_table.rows | length ~ ' rows') -}}
{% endmacro %}
