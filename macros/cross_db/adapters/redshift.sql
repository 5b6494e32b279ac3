{# Where Redshift differs, also from PostgreSQL. No test runs on a real Redshift: see docs/reference/engines.md. #}

{# a backslash escapes in a literal #}
{% macro redshift__text(value) -%}
    '{{ value | replace("\\", "\\\\") | replace("'", "''") }}'
{%- endmacro %}

{# without a length, it is 256 bytes #}
{% macro redshift__type_text() -%}
    varchar(65535)
{%- endmacro %}


{% macro redshift__is_same(one, other) -%}
    ({{ one }} = {{ other }} or ({{ one }} is null and {{ other }} is null))
{%- endmacro %}

{# there is neither max_by nor an array to take the last of; times are never before 1970 #}
{% macro redshift__last_by(value, by) -%}
    cast(substring(max(
        lpad(cast({{ dwell.microseconds(by) }} as varchar), 20, '0') || cast({{ value }} as varchar)
    ), 21) as bigint)
{%- endmacro %}


{% macro redshift__log10(x) -%}
    log({{ x }})
{%- endmacro %}


{% macro redshift__microseconds(timestamp) -%}
    datediff(microsecond, timestamp '1970-01-01', {{ timestamp }})
{%- endmacro %}

{% macro redshift__time_of_microseconds(microseconds) -%}
    dateadd(
        microsecond, cast(mod({{ microseconds }}, 1000000) as integer),
        dateadd(second, cast(floor(({{ microseconds }}) / 1000000.0) as bigint), timestamp '1970-01-01')
    )
{%- endmacro %}

{# dateadd counts in integers of four bytes #}
{% macro redshift__later_by(timestamp, microseconds) -%}
    {%- set sign = '-' if microseconds < 0 else '' -%}
    dateadd(
        microsecond, {{ sign }}{{ (microseconds | abs) % 1000000 }},
        dateadd(second, {{ sign }}{{ (microseconds | abs) // 1000000 }}, {{ timestamp }})
    )
{%- endmacro %}

{% macro redshift__local_date(timestamp, zone) -%}
    cast({{ timestamp if zone == 'UTC' else "convert_timezone('UTC', " ~ dwell.text(zone) ~ ', ' ~ timestamp ~ ')' }} as date)
{%- endmacro %}

{% macro redshift__start_of_local_day(date, zone) -%}
    convert_timezone({{ dwell.text(zone) }}, 'UTC', cast({{ date }} as timestamp))
{%- endmacro %}

{# the first use of a zone that there is not is refused by Redshift itself #}
{% macro redshift__zones_named(name) -%}
    select 1
{%- endmacro %}


{# Redshift has no function that makes rows of a number. Joined digits count up to 100,000 days, or minutes without a change. #}
{% macro redshift__numbers_to(count) -%}
    (
        select 1 + ones.d + 10 * tens.d + 100 * hundreds.d + 1000 * thousands.d + 10000 * more.d as n
        from {% for digit in ['ones', 'tens', 'hundreds', 'thousands', 'more'] -%}
        ({% for d in range(10) %}select {{ d }} as d{{ ' union all ' if not loop.last }}{% endfor %}) as {{ digit }}
        {{- ' cross join ' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{% macro redshift__json_of(columns) -%}
    '{' {%- for key, expression in columns.items() %}
    || {{ dwell.text((',' if not loop.first else '') ~ tojson(key) ~ ':') }}
    || coalesce('"' || replace(replace({{ expression }}, '\\', '\\\\'), '"', '\\"') || '"', 'null')
    {%- endfor %} || '}'
{%- endmacro %}

{% macro redshift__json_text(json, key) -%}
    json_extract_path_text({{ json }}, {{ dwell.text(key) }}, true)
{%- endmacro %}


{# dbt-redshift has autocommit, unless the profile disables it #}
{% macro redshift__without_transactions_by() %}
    {%- if target.get('autocommit') is not false and adapter.behavior.redshift_skip_autocommit_transaction_statements.no_warn -%}
        {{- return('the flag redshift_skip_autocommit_transaction_statements in dbt_project.yml') -}}
    {%- endif -%}
    {{- return(none) -}}
{% endmacro %}

{# a lock has no mode there #}
{% macro redshift__wait_for_other_runs(relation) -%}
    lock table {{ relation }};
{%- endmacro %}


{% macro redshift__regex_replace(text, pattern, replacement) -%}
    regexp_replace({{ text }}, {{ dwell.text(pattern) }}, {{ dwell.text(replacement | replace('\\', '$')) }}, 1, 'p')
{%- endmacro %}


{# a table from which rows are deleted has no alias there #}
{% macro redshift__replace_islands(target, recomputed, columns, meta) %}
    {%- set names = columns | map(attribute='quoted') | join(', ') -%}
{{ dwell.delete_older_generations(target, meta) }};

delete from {{ target }}
where exists (
    select 1
    from (
        {{ dwell.recomputed_bounds(recomputed, meta) | indent(8) }}
    ) as recomputed
    where {{ dwell.lies_within('', 'recomputed', meta) }}
);

insert into {{ target }} ({{ names }})
select {{ names }}
from {{ recomputed }}
{% endmacro %}
