{# If no load is recorded, the stored table must be empty. A table that was copied, as by dbt clone, has no record of its
   loads, so that new rows cannot be distinguished from stored ones. #}
{% macro refuse_a_copy(input) %}
    {%- set stored = dwell.stored_table(input) if dwell.adds_to(input) else none -%}
    {%- if stored is not none and run_query('select 1 from ' ~ stored ~ ' limit 1').rows | length > 0 -%}
        {%- do dwell.raise_error(
            stored ~ ' has rows, and ' ~ dwell.loads(input) ~ ' has no record of a load. It was copied, as by dbt clone. Rebuild it with '
            ~ '--full-refresh.'
        ) -%}
    {%- endif -%}
{% endmacro %}
