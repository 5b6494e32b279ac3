"""Landing files to measure with: python bench/generate_heartbeats.py HEARTBEATS FOLDER.

20,000 viewers send a heartbeat every 5 seconds, in the order of time, over four partitions. Each
watches five minutes of a program after another, with a silence of 150 seconds in every tenth. A
thousandth of the messages cannot be accepted. Each folder is one input:

    landing     all of them, a million in a file
    tiny        1,000 of them, to time what a run costs besides heartbeats
    before      the first 100,000; tiny_new: 100 that follow; new: 100,000 that follow
"""

import sys
from pathlib import Path

import duckdb

VIEWERS = 20_000
FILE = 1_000_000

MESSAGES = f"""
with sent as (
    select
        i,
        i % {VIEWERS} as viewer,
        i // {VIEWERS} as step,
        i // {VIEWERS} // 60 as viewing,
        -- each viewer's heartbeats have another phase
        to_microseconds(i % {VIEWERS} * 250) as later
    from range({{first}}::bigint, {{last}}::bigint) as numbers(i)
),

timed as (
    select
        *,
        timestamp '2025-03-12 18:00' + to_seconds(step * 5) + later + to_seconds(
            case when hash(viewer, viewing) % 10 = 0 and step % 60 > 30 then 150 else 0 end
        ) as sent_at,
        timestamp '2025-03-12 18:00' + to_seconds(viewing * 300) + later as start_time
    from sent
)

select
    'heartbeats' as topic,
    (viewer % 4)::integer as "partition",
    (i // 4)::bigint as "offset",
    sent_at + interval '200 milliseconds' as received_at,
    encode(case
        when hash(i) % 2000 = 0 then '{{{{"user_id":'
        else '{{{{"user_id":"user-' || lpad((viewer)::varchar, 6, '0')
            || '","program_id":"program-' || (hash(viewer, viewing, 1) % 500)
            || '","start_time":"' || strftime(start_time, '%Y-%m-%dT%H:%M:%S.%gZ')
            || '","session_id":"session-' || left(md5(viewer || ' ' || viewing // 3), 16)
            || '","device":"'
            || case when hash(i) % 2000 > 1 then ['tv', 'phone', 'web'][viewer % 3 + 1] else '' end
            || '","event_time":"' || strftime(sent_at, '%Y-%m-%dT%H:%M:%S.%gZ') || '"}}}}'
    end) as payload
from timed
order by i
"""


def generate(heartbeats, folder):
    """Write the files, unless they are there."""
    done = folder / "generated"
    if done.exists():
        return
    for first in range(0, heartbeats, FILE):
        write(first, min(first + FILE, heartbeats), folder / "landing")
    write(0, 1_000, folder / "tiny")
    write(0, 100_000, folder / "before")
    write(100_000, 100_100, folder / "tiny_new")
    write(100_000, 200_000, folder / "new")
    done.touch()


def write(first, last, folder):
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("set threads = 2")
        messages = MESSAGES.format(first=first, last=last)
        connection.execute(
            f"copy ({messages}) to '{folder}/{first:012}.parquet' (compression zstd)"
        )


if __name__ == "__main__":
    generate(int(sys.argv[1]), Path(sys.argv[2]))
