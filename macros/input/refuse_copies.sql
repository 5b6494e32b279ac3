{# A stored table that was copied from elsewhere, as by dbt clone, comes without the tables that say what it was loaded from:
   what is new could not be told from what is there. #}
{% macro refuse_copies(input) %}
    {%- set stored = dwell.stored_table(input) if dwell.adds_to(input) else none -%}
    {%- if stored is not none
        and run_query('select 1 from ' ~ dwell.loads(input) ~ ' limit 1').rows | length == 0
        and run_query('select 1 from ' ~ stored ~ ' limit 1').rows | length > 0 -%}
        {%- do dwell.stop(
            stored ~ ' has rows, and ' ~ dwell.loads(input) ~ ' does not say what they were loaded from. It was copied, as by dbt clone. '
            ~ 'Build it anew, with --full-refresh.'
        ) -%}
    {%- endif -%}
{% endmacro %}
