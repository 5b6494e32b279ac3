{# The hooks of the models that load heartbeats and store streams. They record what has landed of which partition, and the
   watermark override, in the transaction that stores the streams. #}

{# Pre-hook of the new heartbeats: counts the rows that are about to be read. #}
{% macro count_new_heartbeats() %}
    {%- if execute and flags.WHICH in ('run', 'build') and not flags.EMPTY -%}
        {%- do dwell.refuse_without_hooks() -%}
        {%- set input = dwell.input('heartbeats') -%}
        {%- set from_scratch = dwell.is_from_scratch(input) -%}
        {{- dwell.begin_load(input, from_scratch) -}}
        {{- dwell.count_incoming(input, from_scratch) -}}
    {%- endif -%}
{% endmacro %}


{# Post-hook of the new heartbeats: stops the run if the counts do not add up. #}
{% macro reconcile_new_heartbeats() %}
    {%- if execute and flags.WHICH in ('run', 'build') and not flags.EMPTY -%}
        {%- set input = dwell.input('heartbeats') -%}
        {%- set differs -%}
        'dwell: ' || f.source || ': ' || {{ dwell.digits('f.rows_read') }} || ' new rows were counted, but '
        || {{ dwell.digits('count(h.source_number)') }} || {{ dwell.text(
            ' arrived. No stream was changed; run dbt again.'
            ~ ('' if dwell.reads_by_load_time(input) else ' If it fails again, please report this.')
        ) }}
        {%- endset -%}
        select {{ dwell.fail_with(differs) }}
        from {{ dwell.own_table(input.incoming) }} as f
        left join {{ this }} as h on f.source_number = h.source_number
        where not f.is_known
        group by f.source, f.source_number, f.rows_read
        having f.rows_read <> count(h.source_number);
{{ dwell.check_rejected_ratio(input, this, 'No stream was changed') }}
    {%- endif -%}
{% endmacro %}


{# Post-hook of the streams. #}
{% macro check_heartbeat_lease() %}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {{- dwell.check_lease(
            dwell.input('heartbeats'), 'If this run was a full refresh, its table is there and the next run reads everything again'
        ) -}}
    {%- endif -%}
{% endmacro %}


{# Adds the new messages to the counts of the minutes in which they were received. By these, `dwell listen` decides
   whether a silence ends streams. They do not depend on how messages were divided among files and runs. #}
{% macro count_by_minute() %}
create or replace temporary table dwell_new_minutes as
select
    date_trunc('minute', received_at) as received_minute,
    count(case when reject_reason is null then 1 end) as rows_accepted,
    count(reject_reason) as rows_rejected
from {{ ref('stg_watch__heartbeats') }}
where received_at is not null and not is_redelivered
group by received_minute;
update {{ dwell.heartbeat_minutes() }} as m
set
    rows_accepted = m.rows_accepted + n.rows_accepted,
    rows_rejected = m.rows_rejected + n.rows_rejected
from dwell_new_minutes as n
where m.received_minute = n.received_minute;
insert into {{ dwell.heartbeat_minutes() }}
select * from dwell_new_minutes
where received_minute not in (select received_minute from {{ dwell.heartbeat_minutes() }});
{% endmacro %}


{# Pre-hook of the streams: records what has landed, and stores the rejected rows. #}
{% macro record_heartbeat_load() %}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- set input = dwell.input('heartbeats') -%}
        {%- set from_scratch = dwell.is_from_scratch(input) -%}
        {{- dwell.begin_load(input, from_scratch) -}}
        {%- if from_scratch %}
delete from {{ dwell.landed() }} where true;
delete from {{ dwell.rejects() }} where true;
delete from {{ dwell.load_times() }} where true;
            {%- if dwell.reads_files() %}
delete from {{ dwell.heartbeat_minutes() }};
            {%- endif %}
        {%- endif -%}
        {{- dwell.record_pending_files(input, from_scratch) }}
        {{- dwell.record_incoming(input, from_scratch) }}
        {{- dwell.record_load_id(input, from_scratch) }}
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
    count(case when h.is_redelivered then 1 end),
    count(case when h.reject_reason is null and not h.is_redelivered then 1 end),
    count(case when h.reject_reason is not null and not h.is_redelivered then 1 end),
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
from {{ dwell.incoming_offset_ranges() }} as s
inner join {{ dwell.own_table(input.incoming) }} as f on s.source_number = f.source_number
cross join {{ dwell.this_load() }} as l
where f.is_known;
{{ dwell.merge_offset_ranges() }}
{{ dwell.count_by_minute() }}
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
where h.reject_reason is not null and not h.is_redelivered;
            {%- if dwell.reads_by_load_time(input) %}
{{ dwell.record_load_times(input) }}
            {%- endif %}
        {%- endif %}
-- new heartbeats affect no stream that ended before this time
{{ dwell.remember(
    'dwell_watch_from',
    'select ' ~ dwell.later_by('min(event_at)', -dwell.watch_timeout_us()) ~ ' from '
    ~ ref('stg_watch__heartbeats') ~ ' where reject_reason is null and not is_redelivered'
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
