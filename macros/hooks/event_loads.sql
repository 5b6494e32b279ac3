{# The pre-hook of the event table: counts the rows that the run is about to read, and records them in
   dwell_event_loads. #}
{% macro record_event_load() %}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- do dwell.refuse_without_hooks() -%}
        {%- set input = dwell.input('events') -%}
        {%- set from_scratch = dwell.is_from_scratch(input) -%}
        {{- dwell.begin_load(input, from_scratch) -}}
        {%- if not flags.EMPTY -%}{{- dwell.count_incoming(input, from_scratch) -}}{%- endif -%}
        {{- dwell.record_incoming(input, from_scratch) -}}
    {%- endif -%}
{% endmacro %}


{# Post-hook of the event table: each row read is in it, once, or nothing is committed. Where statements are no
   transaction, the incremental strategy has checked that before it wrote; a table that was built from scratch is
   checked here, and its load forgotten if it is wrong, so that the next run reads everything again. #}
{% macro reconcile_event_load() %}
    {%- if execute and flags.WHICH in ('run', 'build') and not flags.EMPTY -%}
        {%- set input = dwell.input('events') -%}
        {%- if dwell.has_transactions() -%}
{{ dwell.check_rows_arrived(input, this) }};
{{ dwell.check_rejected_ratio(input, this) }}
        {%- else -%}
{{ dwell.check_lease(input, 'If this run was a full refresh, its table is there and the next run reads everything again') }}
delete from {{ dwell.loads(input) }}
where load_number = {{ dwell.run_cache('load_numbers')['events'] }}
    and (
        exists (
            {{ dwell.unreconciled_loads(input, this) | indent(12) }}
        )
        or exists (
            {{ dwell.most_frequent_reject(input, this) | indent(12) }}
        )
    );
{{ dwell.check_rows_arrived(input, this, 'The next run reads everything again') }};
{{ dwell.check_rejected_ratio(input, this, 'The next run reads everything again') }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
