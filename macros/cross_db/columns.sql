{# SQL: all columns of a subquery but some, where the others are those of a relation. #}
{% macro all_but(columns, relation) -%}
    {{- return(adapter.dispatch('all_but', 'dwell')(columns, relation)) -}}
{%- endmacro %}

{% macro default__all_but(columns, relation) -%}
    * exclude ({{ columns | join(', ') }})
{%- endmacro %}

{% macro bigquery__all_but(columns, relation) -%}
    * except ({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__all_but(columns, relation) -%}
    * except ({{ columns | join(', ') }})
{%- endmacro %}

{# there is nothing like it, so that dbt is asked for the relation's columns #}
{% macro postgres__all_but(columns, relation) -%}
    {%- if not execute -%}{{- return('*') -}}{%- endif -%}
    {%- if relation is string -%}
        {%- do dwell.raise_error(
            'sessionize needs a relation on PostgreSQL and Redshift, as in ref(\'my_events\'), and not a name or a query: '
            ~ relation ~ '.'
        ) -%}
    {%- endif -%}
    {{- return(adapter.get_columns_in_relation(relation) | map(attribute='quoted') | join(', ')) -}}
{%- endmacro %}
