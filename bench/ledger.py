"""What a look of the ledger costs after a long past: python bench/ledger.py, or make bench-ledger.

Streams that have ended are filled in by SQL and told once, to nobody. Then 300 simulated viewers
go on watching; after each run of dbt, dwell watch looks what is to be told, which is timed, as is
its question how many streams go on. Told is the median of five.
"""

import shutil
import statistics
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
from heartbeats import FILL
from run import ROOT, WORK

sys.path.insert(0, str(ROOT))

from dwell.dbt import Dbt
from dwell.landing import SCHEMA, Landing
from dwell.ledger import Ledger
from dwell.publish import publish
from dwell.simulation import Plan, messages
from dwell.sinks import Nowhere
from dwell.watch import Watch

PASTS = (0, 1_000_000, 10_000_000)
LOOKS = 5
TIMEOUT, GRACE = 60, 5


def land(landing, sent, first):
    """Land messages as those of one partition."""
    columns = [
        pa.repeat("heartbeats", len(sent)),
        pa.repeat(pa.scalar(0, pa.int32()), len(sent)),
        pa.array(range(first, first + len(sent)), pa.int64()),
        pa.array([m.received_at for m in sent], pa.timestamp("ms")).cast(pa.timestamp("us")),
        pa.array([m.payload.encode() for m in sent], pa.binary()),
    ]
    landing.write("heartbeats", (0, 1), [pa.record_batch(columns, schema=SCHEMA)])


def timed(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def measure(folder: Path, past: int):
    """Return seconds of the first look, of the next, and of counting what goes on."""
    shutil.rmtree(folder, ignore_errors=True)
    landing = Landing(folder / "landing")
    sent = list(messages(Plan(viewers=300)))
    size = len(sent) // (LOOKS + 1)
    dbt = Dbt(folder / "dwell.duckdb", folder, {"heartbeats_path": landing.pattern})
    ledger = Ledger(folder / "ledger.duckdb", Nowhere.name)
    watch = Watch(dbt, landing, ledger, Nowhere(), timedelta(seconds=GRACE))
    looks, counts = [], []
    for number in range(LOOKS + 1):
        part = sent[number * size : (number + 1) * size]
        land(landing, part, number * size)
        watch.run_dbt(None)
        if number == 0:
            with duckdb.connect(str(dbt.database)) as connection:
                connection.execute(FILL.format(streams=past, files=0, folder=folder))
        reached = datetime(1970, 1, 1) + timedelta(milliseconds=part[-1].received_at)
        ripe = reached - timedelta(seconds=TIMEOUT + GRACE)
        looks.append(timed(lambda ripe=ripe: ledger.write_down(dbt.database, TIMEOUT, ripe)))
        publish(ledger, Nowhere())
        counts.append(timed(watch.count_going_on))
    return looks[0], statistics.median(looks[1:]), statistics.median(counts[1:])


def main():
    print("| streams that have ended | first look, s | the next, s | how many go on, s |")
    print("|--:|--:|--:|--:|")
    for past in PASTS:
        first, look, count = measure(WORK / "ledger", past)
        print(f"| {past:,} | {first:.2f} | {look:.2f} | {count:.3f} |", flush=True)


if __name__ == "__main__":
    main()
