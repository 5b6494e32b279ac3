{# A dict for what is found once in a run and holds until its end. dbt renders a model before its hooks, and each by
   itself; `graph` is the one object that all of them share. #}
{% macro run_cache(name) %}
    {%- set cache = graph.setdefault('dwell_run_cache', {}) -%}
    {#- a process can run dbt many times on one manifest -#}
    {%- if cache.get('run') != invocation_id -%}
        {%- do cache.clear() -%}
        {%- do cache.update({'run': invocation_id}) -%}
    {%- endif -%}
    {{- return(cache.setdefault(name, {})) -}}
{% endmacro %}
