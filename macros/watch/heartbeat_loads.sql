{# What has landed of which partition, and the clock that says which streams are over: written in the
   transaction that stores the streams. #}

{% macro landed() %}
    {{- return(dwell.own_table('dwell_heartbeats_landed')) -}}
{% endmacro %}

{% macro rejects() %}
    {{- return(dwell.own_table('dwell_heartbeats_rejected')) -}}
{% endmacro %}

{% macro as_of() %}
    {{- return(dwell.own_table('dwell_watch_as_of')) -}}
{% endmacro %}


{% macro create_heartbeat_tables() %}
    {%- if dwell.is_at_work() and flags.WHICH in ('run', 'build', 'seed', 'test') and 'heartbeats' in dwell.inputs_in_use() -%}
{{ dwell.create_table(dwell.landed(), {
    'load_number': 'bigint',
    'source_number': 'int',
    'source': 'string',
    'topic': 'string',
    'topic_partition': 'int',
    'first_offset': 'bigint',
    'last_offset': 'bigint',
    'rows_landed': 'bigint',
    'rows_landed_before': 'bigint',
    'rows_accepted': 'bigint',
    'rows_rejected': 'bigint',
    'newest_event_at': 'timestamp',
    'newest_received_at': 'timestamp',
}) }};
{{ dwell.create_table(dwell.rejects(), {
    'load_number': 'bigint',
    'source_number': 'int',
    'source': 'string',
    'topic': 'string',
    'topic_partition': 'int',
    'topic_offset': 'bigint',
    'received_at': 'timestamp',
    'read_position': 'bigint',
    'reject_reason': 'string',
    'rejected_row': 'string',
}) }};
{{ dwell.create_table(dwell.as_of(), {'as_of': 'timestamp'}) }}
    {%- endif -%}
{% endmacro %}


{# Pre-hook of the new heartbeats: counts what is about to be read. #}
{% macro count_new_heartbeats() %}
    {%- if execute and flags.WHICH in ('run', 'build') and not flags.EMPTY -%}
        {%- set input = dwell.input('heartbeats') -%}
        {%- set from_scratch = dwell.is_from_scratch(input) -%}
        {{- dwell.begin_load(input, from_scratch) -}}
        {{- dwell.count_incoming(input, from_scratch) -}}
    {%- endif -%}
{% endmacro %}


{# Post-hook of the new heartbeats: nothing goes on that does not add up. #}
{% macro reconcile_new_heartbeats() %}
    {%- if execute and flags.WHICH in ('run', 'build') and not flags.EMPTY -%}
        {%- set differs -%}
        'dwell: ' || f.source || ': ' || {{ dwell.digits('f.rows_read') }} || ' rows were read, but '
        || {{ dwell.digits('count(h.source_number)') }} || ' arrived; nothing was changed. Please report this.'
        {%- endset -%}
        select {{ dwell.fail_with(differs) }}
        from {{ dwell.own_table(dwell.input('heartbeats').incoming) }} as f
        left join {{ this }} as h on f.source_number = h.source_number
        where not f.is_known
        group by f.source, f.source_number, f.rows_read
        having f.rows_read <> count(h.source_number)
    {%- endif -%}
{% endmacro %}


{# Pre-hook of the streams: says what has landed, and keeps what was rejected. #}
{% macro record_heartbeat_load() %}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- set input = dwell.input('heartbeats') -%}
        {%- set from_scratch = dwell.is_from_scratch(input) -%}
        {{- dwell.begin_load(input, from_scratch) -}}
        {%- if from_scratch %}
delete from {{ dwell.landed() }} where true;
delete from {{ dwell.rejects() }} where true;
        {%- endif -%}
        {{- dwell.record_incoming(input, from_scratch) }}
        {%- if not flags.EMPTY %}
insert into {{ dwell.landed() }}
select
    max(l.load_number),
    case when h.topic is null then h.source_number end,
    case when h.topic is null then f.source end,
    h.topic,
    h.topic_partition,
    min(h.topic_offset),
    max(h.topic_offset),
    count(*),
    count(case when h.is_landed_before then 1 end),
    count(case when h.reject_reason is null and not h.is_landed_before then 1 end),
    count(case when h.reject_reason is not null and not h.is_landed_before then 1 end),
    max(case when h.reject_reason is null then h.event_at end),
    max(h.received_at)
from {{ ref('stg_watch__heartbeats') }} as h
inner join {{ dwell.own_table(input.incoming) }} as f on h.source_number = f.source_number
cross join {{ dwell.this_load() }} as l
group by h.source_number, f.source, h.topic, h.topic_partition;
        {%- if dwell.input_mode(input) == 'files' %}
insert into {{ dwell.landed() }}
select
    l.load_number,
    null,
    null,
    s.topic,
    s.topic_partition,
    s.first_offset,
    s.last_offset,
    s.messages,
    s.messages,
    0,
    0,
    null,
    null
from {{ dwell.incoming_stretches() }} as s
inner join {{ dwell.own_table(input.incoming) }} as f on s.source_number = f.source_number
cross join {{ dwell.this_load() }} as l
where f.is_known;
{{ dwell.fold_landed() }}
        {%- endif %}
insert into {{ dwell.rejects() }}
select
    l.load_number,
    h.source_number,
    f.source,
    h.topic,
    h.topic_partition,
    h.topic_offset,
    h.received_at,
    h.read_position,
    h.reject_reason,
    h.rejected_row
from {{ ref('stg_watch__heartbeats') }} as h
inner join {{ dwell.own_table(input.incoming) }} as f on h.source_number = f.source_number
cross join {{ dwell.this_load() }} as l
where h.reject_reason is not null and not h.is_landed_before;
        {%- endif %}
-- no stream that was silent by then is touched by what is new
{{ dwell.remember(
    'dwell_watch_from',
    'select ' ~ dwell.later_by('min(event_at)', -dwell.watch_timeout_us()) ~ ' from '
    ~ ref('stg_watch__heartbeats') ~ ' where reject_reason is null and not is_landed_before'
) }}
        {%- if var('watch_as_of') is not none %}
            {%- set moment = dwell.parse_time(dwell.text(var('watch_as_of')), 'iso') %}
delete from {{ dwell.as_of() }}
where as_of < {{ moment }};
insert into {{ dwell.as_of() }}
select {{ moment }}
where not exists (select 1 from {{ dwell.as_of() }});
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
