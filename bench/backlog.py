"""Measure the steps of a backlog: python bench/backlog.py [HEARTBEATS], or make bench-backlog.

All heartbeats have landed, a million in a file. They are loaded at once, and in steps of a bounded
number of messages, each time by a process of its own, as `dwell listen` does: dbt is parsed once.
It checks that all of them gave the same streams.
"""

import sys
from pathlib import Path

from run import WORK, Measures, fresh, query

BOUNDS = (None, 5_000_000, 2_000_000, 1_000_000)
MODELS = ("stg_watch__heartbeats", "int_watch__streams", "int_watch__watermark")
TOTALS = """
    select count(*), sum(heartbeats), bit_xor(hash(s))
    from (select * exclude (load_number) from int_watch__streams) as s
"""


def load(folder, database, bound):
    """Load until nothing waits; print how many steps that took."""
    # not with the rest: the process that measures must stay small
    import duckdb

    from dwell.dbt.runner import Dbt, format_errors

    settings = {
        "heartbeats_path": f"{folder}/landing/*.parquet",
        "heartbeats_max_messages_per_run": bound,
    }
    dbt = Dbt(database, WORK / "target", settings)
    steps, waiting = 0, True
    while waiting:
        result = dbt.run("run", "--select", *MODELS)
        if not result.success:
            sys.exit(format_errors(result))
        steps += 1
        with duckdb.connect(str(database), read_only=True) as connection:
            waiting = connection.execute("from dwell_heartbeats_waiting").fetchall()
    print(steps)


def main(heartbeats):
    WORK.mkdir(parents=True, exist_ok=True)
    folder = WORK / f"heartbeats_{heartbeats}"
    measures, expected = Measures(), None
    measures.run("generate", [sys.executable, "bench/generate_heartbeats.py", heartbeats, folder])
    print("| messages a step | steps | seconds | peak memory, GB |\n|--:|--:|--:|--:|")
    for bound in BOUNDS:
        database = fresh("backlog")
        part = f"{bound:,}" if bound else "all"
        steps = measures.run(
            part, [sys.executable, "bench/backlog.py", "load", folder, database, bound or 0]
        ).split()[-1]
        found = query(database, TOTALS)
        expected = expected or found
        if found != expected:
            sys.exit(f"streams differ: {found}, and not {expected}")
        memory = measures.median(part, 2) / 1024
        print(f"| {part} | {steps} | {measures.median(part):.1f} | {memory:.2f} |", flush=True)
        database.unlink()


if __name__ == "__main__":
    if sys.argv[1:2] == ["load"]:
        sys.path.insert(0, str(Path(__file__).parents[1]))
        load(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]) or None)
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
