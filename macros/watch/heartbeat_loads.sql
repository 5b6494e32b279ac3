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
    {%- if execute and flags.WHICH in ('run', 'build', 'seed', 'test') -%}
        create table if not exists {{ dwell.landed() }} (
            load_number bigint,
            source_number integer,
            source varchar,
            topic varchar,
            topic_partition integer,
            first_offset bigint,
            last_offset bigint,
            rows_landed bigint,
            rows_landed_before bigint,
            rows_accepted bigint,
            rows_rejected bigint,
            newest_event_at timestamp,
            newest_received_at timestamp
        );
        create table if not exists {{ dwell.rejects() }} (
            load_number bigint,
            source_number integer,
            source varchar,
            topic varchar,
            topic_partition integer,
            topic_offset bigint,
            received_at timestamp,
            read_position bigint,
            reject_reason varchar,
            rejected_row varchar
        );
        create table if not exists {{ dwell.as_of() }} (as_of timestamp)
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
        select error(
            'dwell: ' || f.source || ': ' || f.rows_read || ' rows were read, but '
            || count(h.source_number) || ' arrived; nothing was changed. Please report this.'
        )
        from {{ dwell.own_table(dwell.input('heartbeats').incoming) }} as f
        left join {{ this }} as h on f.source_number = h.source_number
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
delete from {{ dwell.landed() }};
delete from {{ dwell.rejects() }};
        {%- endif -%}
        {{- dwell.record_incoming(input, from_scratch) }}
        {%- if not flags.EMPTY %}
insert into {{ dwell.landed() }}
select
    any_value(l.load_number),
    h.source_number,
    f.source,
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
cross join dwell_this_load as l
group by h.source_number, f.source, h.topic, h.topic_partition;
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
cross join dwell_this_load as l
where h.reject_reason is not null and not h.is_landed_before;
        {%- endif %}
-- no stream that was silent by then is touched by what is new
{{ dwell.remember(
    'dwell_watch_from',
    'select min(event_at) - interval \'' ~ (var('watch_timeout_seconds') * 1000000) | round | int ~ ' microseconds\' from '
    ~ ref('stg_watch__heartbeats') ~ ' where reject_reason is null and not is_landed_before'
) }};
        {%- if var('watch_as_of') is not none %}
insert into {{ dwell.as_of() }}
values ({{ dwell.parse_time(dwell.text(var('watch_as_of')), 'iso') }});
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{# SQL: offsets that are loaded, as few ranges as there are; none for a run that stores everything anew. #}
{% macro loaded_offsets(input) %}
select
    topic,
    topic_partition,
    min(first_offset) as first_offset,
    max(last_offset) as last_offset
from (
    select
        *,
        sum(case when first_offset <= reached + 1 then 0 else 1 end) over (
            partition by topic, topic_partition order by first_offset
            rows between unbounded preceding and current row
        ) as stretch
    from (
        select
            *,
            max(last_offset) over (
                partition by topic, topic_partition order by first_offset
                rows between unbounded preceding and 1 preceding
            ) as reached
        from {{ dwell.landed() }}
        where first_offset is not null
        {%- if execute and dwell.is_from_scratch(input) %} and false{% endif %}
    ) as in_order
) as stretches
group by topic, topic_partition, stretch
{% endmacro %}


{# Whether messages that are loaded, or come twice, are among the new ones: only what came by a topic says which
   message it is. Most runs find none, and need not sort their messages to say so. #}
{% macro may_land_twice(input) %}
    {%- if not (execute and flags.WHICH in ('run', 'build')) or flags.EMPTY or dwell.input_mode(input) != 'files' -%}
        {{- return(false) -}}
    {%- endif -%}
    {%- set names = [] -%}
    {%- for layout, files in dwell.incoming_file_groups(input).items() if fromjson(layout)['format'] == 'landing' -%}
        {%- do names.extend(files | map(attribute='source')) -%}
    {%- endfor -%}
    {%- if not names -%}{{- return(false) -}}{%- endif -%}
    {{- return(run_query(
        'with stretches as (' ~ dwell.stretches_of(names) ~ '), loaded as (' ~ dwell.loaded_offsets(input) ~ '), '
        ~ 'known as (select topic, topic_partition, first_offset, last_offset, 0 as file from loaded union all '
        ~ 'select topic, topic_partition, first_offset, last_offset, file from stretches) '
        ~ 'select count(*) > 0 from stretches as new where new.messages <> new.offsets or exists ('
        ~ 'select 1 from known where known.topic = new.topic and known.topic_partition = new.topic_partition '
        ~ 'and known.file <> new.file and known.first_offset <= new.last_offset and known.last_offset >= new.first_offset)'
    ).columns[0].values()[0]) -}}
{% endmacro %}
