{# What it takes and gives stands in macros/sessionization/_sessionization.yml. It uses no setting: another project's model has none of
   dwell's. #}
{% macro sessionize(
    relation,
    entity,
    at,
    timeout_minutes=30,
    max_hours=none,
    split_at_midnight_in=none,
    starts_session=none
) %}
{%- set entity = dwell.as_list(entity) -%}
{%- for name, value in {'timeout_minutes': timeout_minutes, 'max_hours': max_hours}.items() -%}
    {%- if value is not number or value is boolean or not value > 0 -%}
        {%- if name == 'timeout_minutes' or value is not none -%}
            {%- do dwell.raise_error('sessionize: ' ~ name ~ ' must be a number over 0, not ' ~ value ~ '.') -%}
        {%- endif -%}
    {%- endif -%}
{%- endfor -%}
{%- set as_text = [] -%}
{%- for part in entity -%}{%- do as_text.append(dwell.digits(part)) -%}{%- endfor -%}
{%- set added = ['gap_us', 'is_duplicate', 'run_started_at', 'session_started_at', 'place_of_session', 'is_in_a_session'] -%}
{%- if starts_session is not none -%}{%- do added.append('is_start_instant') -%}{%- endif -%}
{%- if split_at_midnight_in is not none -%}{%- do added.append('is_new_day') -%}{%- endif -%}
{%- if starts_session is not none or split_at_midnight_in is not none -%}{%- do added.append('piece_started_at') -%}{%- endif -%}
select
    {{ dwell.all_but(added, relation) }},
    case when is_in_a_session then {{ dwell.session_id('session_started_at', entity=as_text) }} end as session_id,
    case when is_in_a_session then place_of_session end as session_number,
    case when is_in_a_session then session_started_at end as session_started_at
from (
    select
        *,
        {{ at }} is not null and ({{ entity | join(' is not null or ') }} is not null) as is_in_a_session,
        dense_rank() over (
            partition by {{ entity | join(', ') }}, case when {{ at }} is null then 1 else 0 end
            order by session_started_at
        ) as place_of_session
    from (
        {{ dwell.session_starts(
            relation,
            entity,
            at,
            timeout_minutes * 60,
            starts_session=starts_session,
            local_day=dwell.local_date(at, split_at_midnight_in) if split_at_midnight_in is not none else none,
            max_seconds=max_hours * 3600 if max_hours is not none else none
        ) | indent(8) }}
    ) as started
) as numbered
{% endmacro %}
