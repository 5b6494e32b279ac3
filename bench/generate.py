"""Events to measure with: python bench/generate.py ROWS FOLDER.

About 40 events a visitor over 90 days, in order of time, as a log has them. Gaps are log-normal
with two components, around 10 seconds and around 8 hours. About 1 % of the rows are exact
duplicates, and 0.1 % cannot be accepted. Each file is a part of the same rows:

    events      all of them, as Parquet and as CSV (no CSV from 100 M rows on)
    before_new  all but the last 1 % in time; new: these
    before_late all but 1 % from all over the time; late: these
    tiny        1,000 of them, and tiny_new 10 more, to time what a run costs besides events
"""

import sys
from pathlib import Path

import duckdb

EVENTS = """
with drawn as (
    select
        i,
        (hash(i) % {visitors})::bigint as visitor,
        (hash(i * 7 + 1) >> 1)::bigint as h,
        (hash(i * 13 + 5) % 1000000 + 1) / 1000001 as u,
        (hash(i * 17 + 3) % 1000000 + 1) / 1000001 as v
    from range({rows}::bigint * 99 // 100) as numbers(i)
),

gaps as (
    select
        *,
        case
            when h % 100 < 85 then exp(2.3 + 1.3 * sqrt(-2 * ln(u)) * cos(2 * pi() * v))
            else exp(10.3 + 1.1 * sqrt(-2 * ln(u)) * cos(2 * pi() * v))
        end as gap_seconds
    from drawn
),

timed as (
    select
        *,
        -- who would be there longer than the 90 days begins again with the first
        timestamp '2025-01-01' + to_milliseconds((
            (hash(visitor * 31) % 7776000)::bigint * 1000
            + (1000 * sum(gap_seconds) over (partition by visitor order by i))::bigint
        ) % 7776000000) as event_at
    from gaps
),

events as (
    select
        ['page_view', 'click', 'search', 'login', 'purchase'][1 + (h >> 8) % 5] as event_name,
        -- a fifth of the users have two devices
        case
            when i % 3000 <> 2000
                then 'u' || lpad((visitor % ({visitors} * 4 // 5))::varchar, 9, '0')
        end as user_id,
        '1.' || ((h >> 16) % 7) || '.0' as app_version,
        case
            when i % 3000 = 0 then null
            when i % 3000 = 1000 then timestamp '1970-01-01'
            else event_at
        end as event_time,
        case when i % 3000 <> 2000 then 'd' || lpad(visitor::varchar, 10, '0') end as device_id,
        ['web', 'ios', 'android'][1 + visitor % 3] as client,
        i % 99 = 7 as is_double,
        event_at
    from timed
)

select * exclude (is_double), 1 as copy from events
union all
select * exclude (is_double), 2 as copy from events where is_double
"""


def generate(rows, folder):
    """Write the files, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "generated"
    if done.exists():
        return
    connection = duckdb.connect(folder / "generate.duckdb")
    connection.execute("set threads = 2; set memory_limit = '10GB'")
    # the copy of a row comes a little later
    all_events = EVENTS.format(rows=rows, visitors=max(rows // 40, 5))
    order = "event_at + copy * interval '10 seconds'"
    write(
        connection,
        f"select * exclude (event_at, copy) from ({all_events}) order by {order}",
        folder / "events.parquet",
    )
    events = f"'{folder}/events.parquet'"
    (last,) = connection.execute(f"select quantile_disc(event_time, 0.99) from {events}").fetchone()
    is_new = f"coalesce(event_time > timestamp '{last}', false)"
    is_late = "hash(user_id, device_id, event_time, event_name) % 100 = 7"
    for name, condition in {
        "new": is_new,
        "before_new": f"not {is_new}",
        "late": is_late,
        "before_late": f"not ({is_late})",
    }.items():
        write(connection, f"from {events} where {condition}", folder / f"{name}.parquet")
    write(connection, f"from {events} limit 1000", folder / "tiny.parquet")
    write(connection, f"from {events} limit 10 offset 1000", folder / "tiny_new.parquet")
    if rows < 100_000_000:
        write(connection, f"from {events}", folder / "events.csv")
    connection.close()
    (folder / "generate.duckdb").unlink()
    done.touch()


def write(connection, query, path):
    connection.execute(f"copy ({query}) to '{path}'")


if __name__ == "__main__":
    generate(int(sys.argv[1]), Path(sys.argv[2]))
