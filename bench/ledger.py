"""What a comparison of the ledger costs after a long history: make bench-ledger.

SQL inserts streams that have ended, and they are published once, to no sink. Then 300 simulated
viewers continue to watch. After each run of dbt, the ledger finds what is to be published, and the
listener counts ongoing streams and rejected messages; both are timed: medians of five. At last, a
new process does what dwell load and dwell listen do with ledger and database when they start and
nothing is new. The seconds are those after Python's imports, the memory is that of the process.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
from heartbeats import FILL
from run import ROOT, WORK

sys.path.insert(0, str(ROOT))

from dwell.dbt.runner import Dbt
from dwell.landing.folder import SCHEMA, Landing
from dwell.publishing.day_ranges import LATEST
from dwell.publishing.ledger import Ledger
from dwell.publishing.publisher import open_sink, publish
from dwell.publishing.sinks import Nowhere
from dwell.sample.heartbeats import Plan, messages
from dwell.streaming.circuit_breaker import CircuitBreaker
from dwell.streaming.listener import Listener
from dwell.warehouses.load import read_watch_timeout

PASTS = (0, 1_000_000, 10_000_000)
COMPARISONS = 5
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
    """Return the seconds of comparisons, counts, and starts, and the memory of a start in MB."""
    shutil.rmtree(folder, ignore_errors=True)
    landing = Landing(folder / "landing")
    sent = list(messages(Plan(viewers=300)))
    size = len(sent) // (COMPARISONS + 1)
    dbt = Dbt(folder / "dwell.duckdb", folder, {"heartbeats_path": landing.pattern})
    ledger = Ledger(folder / "ledger.duckdb", Nowhere.name)
    breaker = CircuitBreaker(max_ratio=1, min_count=1)
    listener = Listener(dbt, landing, ledger, Nowhere(), timedelta(seconds=GRACE), breaker)
    comparisons, counts = [], []
    for number in range(COMPARISONS + 1):
        part = sent[number * size : (number + 1) * size]
        land(landing, part, number * size)
        listener.run_dbt()
        if number == 0:
            with duckdb.connect(str(dbt.database)) as connection:
                connection.execute(FILL.format(streams=past, files=0, folder=folder))
        watermark = datetime(1970, 1, 1) + timedelta(milliseconds=part[-1].received_at)
        due_before = watermark - timedelta(seconds=TIMEOUT + GRACE)
        values = (dbt.database, TIMEOUT, due_before)
        comparisons.append(timed(lambda values=values: ledger.write_down(*values)))
        publish(ledger, Nowhere())
        counts.append(timed(listener.read_state))
    starts = [start_in_a_process(dbt.database, ledger.path) for _ in range(COMPARISONS)]
    return (
        comparisons[0],
        statistics.median(comparisons[1:]),
        statistics.median(counts[1:]),
        statistics.median(seconds for seconds, _ in starts),
        max(megabytes for _, megabytes in starts),
    )


def start_in_a_process(database: Path, ledger: Path) -> tuple[float, float]:
    """Return (seconds without imports, peak memory in MB) of a start with nothing new."""
    command = [sys.executable, __file__, "start", database, ledger]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return tuple(json.loads(done.stdout))


def start(database: Path, path: Path):
    """Start, find nothing, and print seconds and megabytes."""

    def compare():
        ledger = Ledger(path, Nowhere.name)
        open_sink(ledger, Nowhere())
        ledger.write_down(database, read_watch_timeout(database), LATEST)
        # the newest streams may have ended since the last comparison
        if publish(ledger, Nowhere()) > 1_000:
            raise SystemExit("a start with nothing new published the history again")

    seconds = timed(compare)
    # of this process alone; getrusage includes the process that started it
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(json.dumps([seconds, int(peak) / 1024]))


def main():
    if sys.argv[1:2] == ["start"]:
        start(*map(Path, sys.argv[2:]))
        return
    print(
        "| streams that have ended | first comparison, s | the next, s | ongoing streams, s "
        "| a start, s | its memory, MB |"
    )
    print("|--:|--:|--:|--:|--:|--:|")
    for past in PASTS:
        first, later, count, restart, peak = measure(WORK / "ledger", past)
        print(
            f"| {past:,} | {first:.2f} | {later:.2f} | {count:.3f} | {restart:.2f} | {peak:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
