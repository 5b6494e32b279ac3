{# Where BigQuery differs. Its TIMESTAMP is an instant. A project can set a default time zone, in which BigQuery
   reads and writes whatever names none: so each literal and each cast here names UTC. #}

{% macro bigquery__type_double() -%}
    float64
{%- endmacro %}

{# a backslash escapes in a literal, also the quote #}
{% macro bigquery__text(value) -%}
    '{{ value | replace("\\", "\\\\") | replace("'", "\\'") | replace("\n", "\\n") | replace("\r", "\\r") }}'
{%- endmacro %}

{% macro bigquery__quoted(name) -%}
    {{- return('`' ~ name | replace('\\', '\\\\') | replace('`', '\\`') ~ '`') -}}
{%- endmacro %}

{% macro bigquery__clean_text(column) -%}
    nullif(trim({{ column }}, ' \t\n\r'), '')
{%- endmacro %}

{% macro bigquery__number_in(text) -%}
    safe_cast({{ text }} as float64)
{%- endmacro %}


{# a cast to text drops zeros at the end; the emulator has no format() of this kind #}
{% macro bigquery__thousandths(number) -%}
    {%- set thousandths = 'cast(round(' ~ number ~ ' * 1000) as int64)' -%}
    {{ dwell.digits('div(' ~ thousandths ~ ', 1000)') }}
    || '.' || lpad({{ dwell.digits('mod(' ~ thousandths ~ ', 1000)') }}, 3, '0')
{%- endmacro %}


{# PERCENTILE_CONT is a window function there: the two middle values of all in order #}
{% macro bigquery__median(column) -%}
    {%- set in_order = 'array_agg(' ~ column ~ ' ignore nulls order by ' ~ column ~ ')' -%}
    (
        {{ in_order }}[safe_offset(div((count({{ column }}) - 1), 2))]
        + {{ in_order }}[safe_offset(div(count({{ column }}), 2))]
    ) / 2
{%- endmacro %}


{% macro bigquery__timestamp_is_instant() -%}
    {{- return(true) -}}
{%- endmacro %}

{% macro bigquery__microseconds(timestamp) -%}
    unix_micros({{ timestamp }})
{%- endmacro %}

{# The same as timestamp_micros(), of which the emulator makes nothing where a numeric was cast. #}
{% macro bigquery__time_of_microseconds(microseconds) -%}
    timestamp_add(timestamp '1970-01-01 00:00:00+00', interval {{ microseconds }} microsecond)
{%- endmacro %}

{% macro bigquery__later_by(timestamp, microseconds) -%}
    timestamp_add({{ timestamp }}, interval {{ microseconds }} microsecond)
{%- endmacro %}

{% macro bigquery__moment(text) -%}
    timestamp '{{ text }}Z'
{%- endmacro %}

{# a DATETIME or a DATE is of no zone #}
{% macro bigquery__as_load_time(column, kind) -%}
    {{ 'timestamp(' ~ column ~ ", 'UTC')" if kind in ['timestamp', 'date'] else column }}
{%- endmacro %}

{% macro bigquery__local_date(timestamp, zone) -%}
    date({{ timestamp }}, {{ dwell.text(zone) }})
{%- endmacro %}

{% macro bigquery__same_day_time(timestamp) -%}
    timestamp_trunc({{ timestamp }}, minute)
{%- endmacro %}

{% macro bigquery__days_from(earlier, later) -%}
    date_diff({{ later }}, {{ earlier }}, day)
{%- endmacro %}

{% macro bigquery__start_of_local_day(date, zone) -%}
    timestamp({{ date }}, {{ dwell.text(zone) }})
{%- endmacro %}

{% macro bigquery__numbers_to(count) -%}
    unnest(array(select as struct n from unnest(generate_array(1, {{ count }})) as n))
{%- endmacro %}

{# the first use of a zone that there is not is refused by BigQuery itself #}
{% macro bigquery__zones_named(name) -%}
    select 1
{%- endmacro %}


{% macro bigquery__json_of(columns) -%}
    to_json_string(struct(
        {%- for key, expression in columns.items() %}
        {{ expression }} as {{ key }}{{ ',' if not loop.last }}
        {%- endfor %}
    ))
{%- endmacro %}

{% macro bigquery__json_text(json, key) -%}
    json_value({{ json }}, {{ dwell.text('$.' ~ key) }})
{%- endmacro %}



{# a statement is a job of its own, and knows no temporary table of another #}
{% macro bigquery__scratch(name) -%}
    {{- return(dwell.own_table(name)) -}}
{%- endmacro %}

{% macro bigquery__create_scratch(name, query) -%}
    create or replace table {{ dwell.own_table(name) }} as {{ query }}
{%- endmacro %}

{% macro bigquery__fail_with(text) -%}
    error({{ text }})
{%- endmacro %}

{% macro bigquery__has_transactions() -%}
    {{- return(false) -}}
{%- endmacro %}

{% macro bigquery__begin_transaction(lease) -%}
    begin transaction;
update {{ lease }} set run_id = run_id where run_id = {{ dwell.text(invocation_id) }};
{%- endmacro %}

{% macro bigquery__commit_transaction() -%}
;
commit transaction
{%- endmacro %}

{% macro bigquery__replace_islands(target, recomputed, columns, meta) -%}
    {{- return(dwell.merge_affected_islands(target, recomputed, columns, meta)) -}}
{%- endmacro %}


{% macro bigquery__parse_time(column, kind) -%}
    {%- set zone = dwell.text(var('source_timezone')) -%}
    {%- set units = dwell.microseconds_of_units() -%}
    {%- if kind in units -%}
        {%- set us = 'round(safe_multiply(safe_cast(' ~ column ~ " as numeric), numeric '" ~ units[kind] ~ "'))" %}
        case when {{ dwell.is_of_a_year(us) }} then {{ dwell.time_of_microseconds('cast(' ~ us ~ ' as int64)') }} end
    {%- elif kind == 'iso' -%}
        {%- set time_text = 'trim(cast(' ~ column ~ ' as string))' -%}
        coalesce({{ dwell.bigquery__iso_time(time_text, zone) }}, {{ dwell.bigquery__iso_time(dwell.rewritten_time(time_text), zone) }})
    {%- elif kind == 'timestamp_with_zone' -%}
        {{ column }}
    {%- else -%}
        timestamp(cast({{ column }} as datetime), {{ zone }})
    {%- endif -%}
{%- endmacro %}

{% macro bigquery__iso_time(time_text, zone) -%}
    case
        when regexp_contains({{ time_text }}, r'([Zz]|:[0-9.]+[+-][0-9]{2}(:?[0-9]{2})?)$') then safe_cast({{ time_text }} as timestamp)
        when not regexp_contains({{ time_text }}, r'([A-Za-z]|:[0-9.]+ *[+-][0-9:]+)$') then timestamp(safe_cast({{ time_text }} as datetime), {{ zone }})
    end
{%- endmacro %}


{# dbt-bigquery knows its own strategies only. It makes a table of what was computed, which the MERGE reads, because the
   models have on_schema_change. #}
{% macro dbt_bigquery_validate_get_incremental_strategy(config) %}
    {%- if config.get('incremental_strategy') == 'replace_islands' -%}
        {{- return('replace_islands') -}}
    {%- endif -%}
    {{- return(dbt.dbt_bigquery_validate_get_incremental_strategy(config)) -}}
{% endmacro %}

{% macro bq_generate_incremental_build_sql(
    strategy, tmp_relation, target_relation, sql, unique_key, partition_by, partitions, dest_columns,
    tmp_relation_exists, copy_partitions, incremental_predicates
) %}
    {%- if strategy == 'replace_islands' -%}
        {{- return(dwell.replace_islands(target_relation, tmp_relation, dest_columns, config.get('meta'))) -}}
    {%- endif -%}
    {{- return(dbt.bq_generate_incremental_build_sql(
        strategy, tmp_relation, target_relation, sql, unique_key, partition_by, partitions, dest_columns,
        tmp_relation_exists, copy_partitions, incremental_predicates
    )) -}}
{% endmacro %}
