{# Offset ranges: a landing file holds every message of a partition between its first and its last offset there. So two
   offsets identify what a file has of a partition, and few ranges identify what is loaded, whichever files held it. #}

{% macro incoming_offset_ranges() %}
    {{- return(dwell.own_table('dwell_incoming_offset_ranges')) -}}
{% endmacro %}


{# SQL: the offset ranges in landing files, one per file, topic, and partition. Different offsets are counted in blocks of
   64, as the bits of a number: far fewer groups than there are messages. #}
{% macro offset_ranges_of(names) -%}
    select
        file,
        topic,
        topic_partition,
        min(first_offset) as first_offset,
        max(last_offset) as last_offset,
        cast(sum(messages) as bigint) as messages,
        cast(sum(bit_count(seen)) as bigint) as offsets
    from (
        select
            cast(file_index as bigint) + 1 as file,
            topic,
            "partition" as topic_partition,
            "offset" >> 6 as block,
            min("offset") as first_offset,
            max("offset") as last_offset,
            count(*) as messages,
            bit_or(cast(1 as ubigint) << ("offset" & 63)) as seen
        from {{ dwell.read_parquet(names) }}
        group by file_index, topic, "partition", block
    ) as blocks
    group by file, topic, topic_partition
{%- endmacro %}


{# At the start of a run: the offset ranges of the landing files that no run has loaded, and which of these files hold only
   loaded messages, as after compaction. These files are not parsed. #}
{% macro prepare_offset_ranges(input, from_scratch) %}
    {%- set incoming = dwell.own_table(input.incoming) -%}
    {%- set files = run_query(
        'select source_number, source from ' ~ incoming ~ ' where ' ~ dwell.json_text('layout', 'format')
        ~ " = 'landing' order by source_number"
    ).rows -%}
    {%- do run_query(
        'create or replace table ' ~ dwell.incoming_offset_ranges() ~ ' as select '
        ~ dwell.source_number_list(files) ~ '[file] as source_number, * exclude (file) from ('
        ~ dwell.offset_ranges_of(files | map(attribute='source') | list) ~ ') as ranges'
        if files else
        'create or replace table ' ~ dwell.incoming_offset_ranges() ~ ' (source_number integer, topic varchar, '
        ~ 'topic_partition integer, first_offset bigint, last_offset bigint, messages bigint, offsets bigint)'
    ) -%}
    {%- if files and not from_scratch -%}
        {%- do run_query(
            'update ' ~ incoming ~ ' as f set is_known = true, rows_before = 0, rows_read = s.messages from ('
            ~ 'select s.source_number, sum(s.messages) as messages from ' ~ dwell.incoming_offset_ranges() ~ ' as s '
            ~ 'left join (' ~ dwell.loaded_offsets(input) ~ ') as l on s.topic = l.topic '
            ~ 'and s.topic_partition = l.topic_partition '
            ~ 'and s.first_offset >= l.first_offset and s.last_offset <= l.last_offset '
            ~ 'group by s.source_number having bool_and(l.topic is not null)) as s '
            ~ 'where f.source_number = s.source_number'
        ) -%}
    {%- endif -%}
{% endmacro %}


{# SQL: offset ranges in order, each with the number of the merged range that it belongs to, and with the greatest offset of
   the ranges before it. Overlapping and adjacent ranges share a number. #}
{% macro numbered_offset_ranges(ranges) -%}
    {%- set in_order = 'partition by topic, topic_partition order by first_offset rows between unbounded preceding and' -%}
    select
        *,
        sum(case when first_offset <= reached + 1 then 0 else 1 end) over ({{ in_order }} current row) as range_number
    from (
        select *, max(last_offset) over ({{ in_order }} 1 preceding) as reached
        from {{ ranges }}
        where first_offset is not null
    ) as in_order
{%- endmacro %}


{# SQL: the offset ranges that are loaded; none for a run that stores everything from scratch. #}
{% macro loaded_offsets(input) -%}
    select topic, topic_partition, first_offset, last_offset
    from {{ dwell.landed() }}
    where first_offset is not null
    {%- if execute and dwell.is_from_scratch(input) %} and false{% endif %}
{%- endmacro %}


{# Whether redelivered messages are among those that are about to be read. Only messages of a topic can be identified. Most
   runs find none, and need not sort their messages to know it. #}
{% macro may_be_redelivered(input) %}
    {%- if not (execute and flags.WHICH in ('run', 'build')) or flags.EMPTY or dwell.input_mode(input) != 'files' -%}
        {{- return(false) -}}
    {%- endif -%}
    {{- return(run_query(
        'with incoming as (select s.* from ' ~ dwell.incoming_offset_ranges() ~ ' as s inner join '
        ~ dwell.own_table(input.incoming) ~ ' as f on s.source_number = f.source_number where not f.is_known), '
        ~ 'all_ranges as (' ~ dwell.loaded_offsets(input) ~ ' union all '
        ~ 'select topic, topic_partition, first_offset, last_offset from incoming) '
        ~ 'select exists (from incoming where messages <> offsets) or exists (from ('
        ~ dwell.numbered_offset_ranges('all_ranges') ~ ') as numbered where first_offset <= reached)'
    ).columns[0].values()[0]) -}}
{% endmacro %}


{# Overlapping and adjacent offset ranges become one, so that months of files need a few rows. A gap stays, because the
   missing messages may still arrive. #}
{% macro merge_offset_ranges() %}
create or replace temporary table dwell_folded as
select
    max(load_number) as load_number,
    cast(null as integer) as source_number,
    cast(null as varchar) as source,
    topic,
    topic_partition,
    min(first_offset) as first_offset,
    max(last_offset) as last_offset,
    sum(rows_landed) as rows_landed,
    sum(rows_redelivered) as rows_redelivered,
    sum(rows_accepted) as rows_accepted,
    sum(rows_rejected) as rows_rejected,
    max(newest_event_at) as newest_event_at,
    max(newest_received_at) as newest_received_at
from (
    {{ dwell.numbered_offset_ranges(dwell.landed()) }}
) as ranges
group by topic, topic_partition, range_number
having count(*) > 1;
delete from {{ dwell.landed() }} as landed
using dwell_folded as folded
where
    landed.topic = folded.topic
    and landed.topic_partition = folded.topic_partition
    and landed.first_offset between folded.first_offset and folded.last_offset;
insert into {{ dwell.landed() }}
select * from dwell_folded;
{% endmacro %}


{# Before a full refresh: the offsets that are loaded and that no landing file has now, as a list of texts. #}
{% macro lost_offsets(input) %}
    {%- set there = run_query(
        'select name from dwell_missing where is_landing and is_there union all select name from '
        ~ dwell.pending_files()
    ).columns[0].values() | list -%}
    {{- return(run_query(
        'with there as (select topic, topic_partition, first_offset, last_offset from ' ~ dwell.incoming_offset_ranges()
        ~ (' union all select topic, topic_partition, first_offset, last_offset from ('
            ~ dwell.offset_ranges_of(there) ~ ') as elsewhere' if there else '') ~ '), '
        ~ 'loaded as (select * from ' ~ dwell.landed() ~ ' where first_offset is not null), '
        ~ 'folded as (select topic, topic_partition, min(first_offset) as first_offset, max(last_offset) as last_offset '
        ~ 'from (' ~ dwell.numbered_offset_ranges('there') ~ ') as numbered group by topic, topic_partition, range_number '
        ~ 'union all select distinct topic, topic_partition, -1, -1 from loaded), '
        ~ 'holes as (select topic, topic_partition, last_offset + 1 as first_offset, coalesce(lead(first_offset) over '
        ~ '(partition by topic, topic_partition order by first_offset) - 1, 9223372036854775807) as last_offset from folded), '
        ~ 'lost as (select topic, topic_partition, greatest(loaded.first_offset, holes.first_offset) as first_offset, '
        ~ 'least(loaded.last_offset, holes.last_offset) as last_offset from loaded inner join holes '
        ~ 'using (topic, topic_partition) where loaded.first_offset <= holes.last_offset '
        ~ 'and loaded.last_offset >= holes.first_offset and holes.first_offset <= holes.last_offset) '
        ~ "select topic || ' (partition ' || topic_partition || ', ' || case when first_offset = last_offset then "
        ~ "'offset ' else 'offsets ' || first_offset || ' to ' end || last_offset || ')' "
        ~ 'from lost order by topic, topic_partition, first_offset'
    ).columns[0].values() | list) -}}
{% endmacro %}
