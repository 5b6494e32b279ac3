{# Each load's identity. A load's number is unique within its database only. A program that keeps the last load it has read,
   as the ledger of `dwell listen` and `dwell load` does, must notice that the database is another, was restored, or was
   built from scratch. These programs read DuckDB databases only. The newest 10,000 are kept: a ledger that has fallen
   further behind takes the database for another one, and compares everything. #}

{% macro load_ids() %}
    {{- return(dwell.own_table('dwell_heartbeat_load_ids')) -}}
{% endmacro %}


{% macro create_load_ids() %}
    {%- if target.type == 'duckdb' -%}
{{ dwell.create_table(dwell.load_ids(), {'load_number': 'bigint', 'load_id': 'string'}) }};
    {%- endif -%}
{% endmacro %}


{# In the transaction that stores the load, which has been recorded. #}
{% macro record_load_id(input, from_scratch) %}
    {%- if target.type == 'duckdb' %}
        {%- if from_scratch %}
delete from {{ dwell.load_ids() }};
        {%- endif %}
        {%- if not from_scratch %}
delete from {{ dwell.load_ids() }}
where load_number <= (select max(load_number) from {{ dwell.load_ids() }}) - 10000;
        {%- endif %}
insert into {{ dwell.load_ids() }}
select load_number, {{ dwell.text(invocation_id) }}
from {{ dwell.this_load() }}
where load_number = {{ dwell.current_load(input) }};
    {%- endif -%}
{% endmacro %}
