{# heartbeats_max_messages_per_run limits a run: of the new landing files, it loads those with the oldest messages, as many as
   hold that number. A file is loaded entirely or not at all, so a run loads at least one. The other files are pending until the
   next run, and the watermark does not pass their oldest message: no stream ends by a gap in which only some partitions are
   loaded. #}

{% macro pending_partitions() %}
    {{- return(dwell.own_table('dwell_heartbeats_waiting')) -}}
{% endmacro %}

{% macro pending_files() %}
    {{- return(dwell.own_table('dwell_heartbeat_files_waiting')) -}}
{% endmacro %}


{# Of new files, those that this run loads. Other files than landing files are not limited: only reading them would
   count their rows. #}
{% macro files_to_load(files) %}
    {%- do run_query(dwell.create_table(
        dwell.pending_files(), {'name': 'string', 'messages': 'bigint', 'first_received_at': 'timestamp'}, or_replace=true
    )) -%}
    {%- set parquet = [] -%}
    {%- for file in files if modules.re.search('[.]parquet$', file['name'] | lower) -%}
        {%- do parquet.append(file['name']) -%}
    {%- endfor -%}
    {%- if var('heartbeats_max_messages_per_run') is none or not parquet -%}
        {{- return(files) -}}
    {%- endif -%}
    {%- do dwell.query_file(
        dwell.first_names(parquet), run_query,
        'insert into ' ~ dwell.pending_files() ~ ' select name, messages, first_received_at from (select *, '
        ~ 'row_number() over oldest_first as file_number, sum(messages) over oldest_first as messages_so_far from ('
        ~ dwell.landing_files_of(parquet) ~ ') as landing_files '
        ~ 'window oldest_first as (order by first_received_at, name rows unbounded preceding)) as in_order '
        ~ 'where file_number > 1 and messages_so_far > ' ~ var('heartbeats_max_messages_per_run')
    ) -%}
    {%- set pending = run_query('select name, messages from ' ~ dwell.pending_files()) -%}
    {%- if pending.rows -%}
        {%- do log(
            'dwell: ' ~ pending.rows | length ~ ' landing files with ' ~ pending.columns[1].values() | sum
            ~ ' messages wait for the next run (heartbeats_max_messages_per_run)', info=true
        ) -%}
    {%- endif -%}
    {{- return(files | rejectattr('name', 'in', pending.columns[0].values() | list) | list) -}}
{% endmacro %}


{# SQL: how many messages landing files hold, and when the first of them was received, by their footers alone. A file
   without that time comes first. #}
{% macro landing_files_of(names) -%}
    select
        file_name as name,
        cast(sum(row_group_num_rows) filter (where path_in_schema = 'received_at') as bigint) as messages,
        min(coalesce(try_cast(stats_min_value as timestamp), timestamp '1970-01-01'))
            filter (where path_in_schema = 'received_at') as first_received_at
    from parquet_metadata({{ dwell.file_list(names) }})
    where path_in_schema in ('topic', 'partition', 'offset', 'received_at', 'payload')
    group by file_name
    having count(distinct path_in_schema) = 5
{%- endmacro %}


{# Of the pre-hook of the streams: stores what is pending, the time up to which all is loaded, and the watermark until
   then: it never goes back, though old messages land late, unless the streams are stored from scratch. #}
{% macro record_pending_files(input, from_scratch) %}
    {%- if dwell.input_mode(input) == 'files' and not flags.EMPTY %}
    {%- set watermark = none if from_scratch else dwell.stored_watermark() %}
create or replace temporary table dwell_now_pending as
select
    sum(messages) as messages,
    min(first_received_at) as complete_to,
    {{ from_scratch | lower }}
    or coalesce((select bool_or(is_rebuilding) from {{ dwell.pending_partitions() }}), false) as is_rebuilding,
    {%- if watermark is none %}
    min(first_received_at) as watermark_at
    {%- else %}
    greatest(min(first_received_at), (select max(watermark_at) from {{ watermark }})) as watermark_at
    {%- endif %}
from {{ dwell.pending_files() }}
having count(*) > 0;
delete from {{ dwell.pending_partitions() }};
insert into {{ dwell.pending_partitions() }}
select * from dwell_now_pending;
    {%- else %}
delete from {{ dwell.pending_partitions() }} where true;
    {%- endif -%}
{% endmacro %}


{# The view with the watermark, if an earlier run has made it; no ref(), because it comes after the streams. #}
{% macro stored_watermark() %}
    {%- set node = graph.nodes.get('model.dwell.int_watch__watermark') -%}
    {{- return(adapter.get_relation(node.database, node.schema, node.alias) if node else none) -}}
{% endmacro %}
