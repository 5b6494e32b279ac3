{# Executed at the start of a run. Takes the lease of each input that the run writes: see ingest/loads/lease.sql. #}
{% macro take_leases() %}
    {%- if execute and flags.WHICH in ('run', 'build') and not dwell.has_transactions() -%}
        {%- for name in dwell.inputs_in_use() if dwell.writes_rows_of(name) -%}
            {%- do dwell.take_lease(dwell.input(name)) -%}
            {%- do dwell.forget_dead_loads(dwell.input(name)) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
