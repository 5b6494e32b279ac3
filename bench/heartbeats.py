"""Measure watch streams: python bench/heartbeats.py HEARTBEATS [ROUNDS], or make bench-heartbeats.

Landing files to streams, by dwell and by hand; and what 100,000 new heartbeats cost when many
streams have ended and many landing files have come and gone. Parts, their times and dbt's start are
as in run.py.
"""

import statistics
import subprocess
import sys

from run import WORK, Measures, check_totals, floor, fresh, query

BATCH = ("--select", "stg_watch__heartbeats", "int_watch__streams")
TOTALS = """
    select
        count(*), sum(heartbeats),
        (sum(epoch_us(last_heartbeat_at) - epoch_us(began_at)) / 1000000)::double
    from int_watch__streams
"""
# (streams that have ended, landing files that have come and gone)
PASTS = [(0, 0), (1_000_000, 0), (10_000_000, 0), (10_000_000, 20_000)]

# As months would have left it: streams in the order in which they ended, and loads on record.
FILL = """
    insert into int_watch__streams
    select
        'user-' || i % 200000, 'program-' || i % 500, began_at,
        'session-' || left(md5(i::varchar), 16), 'tv', began_at,
        began_at + interval '5 minutes', began_at, 60, 1
    from (
        select
            i,
            timestamp '2025-01-01'
            + to_microseconds(i * (6000000000000 // greatest({streams}, 1))) as began_at
        from range({streams}) as numbers(i)
    );
    insert into dwell_heartbeat_loads
    select
        1, 1, 1 + i, '{folder}/gone' || i || '.parquet', 1000 + i, timestamp '2025-01-01', 0, 100,
        settings, 'landing'
    from range(1, {files} + 1) as numbers(i)
    cross join (select max(settings) as settings from dwell_heartbeat_loads)
"""


def past(measures, folder, streams, files):
    """Return a database in which the first heartbeats are loaded, and which has a past."""
    database = fresh(f"past_{streams}_{files}")
    settings = {"heartbeats_path": f"{folder}/before/*.parquet"}
    measures.dbt_run("dbt run, before", database, settings, *BATCH)
    fill = FILL.format(streams=streams, files=files, folder=folder / "before")
    ask = "import duckdb, sys; connection = duckdb.connect(sys.argv[1]); "
    ask += "connection.execute('set enable_progress_bar = false'); connection.execute(sys.argv[2])"
    subprocess.run([sys.executable, "-c", ask, str(database), fill], check=True)
    return database


def name_of(streams, files):
    return f"100,000 new, {streams:,} ended streams, {files:,} files gone"


def measure(heartbeats, rounds):
    folder = WORK / f"heartbeats_{heartbeats}"
    command = [sys.executable, "bench/generate_heartbeats.py", str(heartbeats), folder]
    subprocess.run(command, check=True)
    measures = Measures()
    pasts = {(streams, files): past(measures, folder, streams, files) for streams, files in PASTS}
    for _ in range(rounds):
        tiny = {"heartbeats_path": f"{folder}/tiny/*.parquet"}
        measures.dbt_run("dbt's start, full", fresh("start"), tiny, *BATCH)
        database = fresh("heartbeats")
        landing = {"heartbeats_path": f"{folder}/landing/*.parquet"}
        measures.dbt_run("full run", database, landing, *BATCH)
        by_hand = floor(measures, "by hand", "heartbeats", folder / "landing", fresh("floor"))
        check_totals("streams by hand", by_hand, [float(n) for n in query(database, TOTALS)])
        for part, new, at in [
            ("dbt's start, increment", "tiny_new", PASTS[0]),
            *((name_of(*at), "new", at) for at in PASTS),
        ]:
            database = fresh("increment", copy_of=pasts[at])
            paths = [f"{folder}/{name}/*.parquet" for name in ("before", new)]
            measures.dbt_run(part, database, {"heartbeats_path": paths}, *BATCH)
            database.unlink()
    return measures


def report(heartbeats, measures):
    median = measures.median
    print(f"\n{heartbeats:,} heartbeats\n")
    print("| part | seconds | without dbt's start | processor, without it | peak memory, MB |")
    print("|---|--:|--:|--:|--:|")
    for part in measures.runs:
        start = {"full run": "dbt's start, full"}.get(part)
        start = "dbt's start, increment" if part.startswith("100,000") else start
        net = [median(part, i) - (median(start, i) if start else 0) for i in (0, 1)]
        numbers = [f"{value:.2f}" for value in (median(part), *net)] + [f"{median(part, 2):,.0f}"]
        print(f"| {part} | {' | '.join(numbers)} |")
    for unit, column in (("second", 0), ("processor second", 1)):
        seconds = median("full run", column) - median("dbt's start, full", column)
        print(
            f"\n{heartbeats / seconds:,.0f} heartbeats a {unit}; "
            f"{seconds / median('by hand', column):.2f} times as long as by hand"
        )
    print("\nmodels, seconds: ", end="")
    for model, seconds in measures.models["full run"].items():
        print(f"{model} {statistics.median(seconds):.2f}", end="; ")
    print()


if __name__ == "__main__":
    heartbeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    report(heartbeats, measure(heartbeats, rounds))
