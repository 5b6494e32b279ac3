"""Measure dwell against the same work by hand: python bench/run.py ROWS, or make bench ROWS=...

Each part is a process of its own, timed from outside, with its processor time and peak memory. The
parts take turns, three times, once from 100 M rows on. The report prints the median.

dbt needs seconds to start and to parse, whatever the events: a full and an incremental run on a
tiny file measure how many. Ratios are printed with and without them, and for processor seconds,
which other work on the machine disturbs less.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORK = ROOT / "bench" / "work"
TARGET = WORK / "target"


class Measures:
    """{part: [(seconds, processor seconds, peak memory in MB)]}, and how long each model took."""

    def __init__(self):
        self.runs = {}
        self.models = {}

    def run(self, part, command, database=None):
        """Run a command and wait for it; return what it printed."""
        environment = os.environ | {"DO_NOT_TRACK": "1"}
        if database is not None:
            environment["DWELL_DATABASE"] = str(database)
        output = WORK / "output.txt"
        with output.open("w") as written:
            start = time.perf_counter()
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=ROOT,
                env=environment,
                stdout=written,
                stderr=subprocess.STDOUT,
            )
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{part} failed:\n{output.read_text()}")
        processor = usage.ru_utime + usage.ru_stime
        self.runs.setdefault(part, []).append((seconds, processor, usage.ru_maxrss / 1024))
        print(f"  {part}: {seconds:.1f} s, processor {processor:.1f} s", file=sys.stderr)
        return output.read_text()

    def dbt(self, part, database, *files):
        """Run dbt as its users do, but parse each time, so that all runs are alike."""
        self.dbt_run(part, database, {"events_path": [str(file) for file in files]})

    def dbt_run(self, part, database, settings, *options):
        """Run dbt with settings; store how long each model took."""
        options = ["--vars", json.dumps(settings), *options]
        options += ["--no-partial-parse", "--target-path", TARGET, "--log-path", WORK / "logs"]
        self.run(part, [".venv/bin/dbt", "run", *options], database)
        results = json.loads((TARGET / "run_results.json").read_text())["results"]
        for result in results:
            model = result["unique_id"].split(".")[-1]
            self.models.setdefault(part, {}).setdefault(model, []).append(result["execution_time"])

    def median(self, part, column=0):
        """Return the median of a part's seconds, processor seconds (1) or peak memory (2)."""
        return statistics.median(run[column] for run in self.runs[part])


def floor(measures, part, kind, file, *rest):
    """Run a part of floor.py; return the totals that it prints."""
    command = [sys.executable, "bench/floor.py", kind, file, *rest]
    return tuple(float(number) for number in measures.run(part, command).split())


def compiled_rule():
    """Return the path of the SQL that dwell's rule compiles to, over a relation called events."""
    entity = "['user_id', 'device_id']"
    call = f"{{{{ dwell.island_bounds('events', {entity}, 'event_time', 1800) }}}}"
    command = [".venv/bin/dbt", "--quiet", "compile", "--target-path", TARGET, "--inline", call]
    path = WORK / "rule.sql"
    with path.open("w") as written:
        subprocess.run(command, cwd=ROOT, check=True, stdout=written)
    return path


def query(database, sql):
    """Return a row of numbers as text; asked in another process, so that this one, which others are
    started from, stays small: their peak memory counts from its size.
    """
    ask = "import duckdb, sys; print(*duckdb.connect(sys.argv[1], read_only=True)"
    ask += ".execute(sys.argv[2]).fetchone())"
    command = [sys.executable, "-c", ask, str(database), sql]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def totals(database):
    """Return what floor.py prints, from dwell's sessions."""
    sums = "count(*), sum(event_count), sum(duration_seconds)"
    return [float(number) for number in query(database, f"select {sums} from fct_sessions")]


def contents(database):
    """Return the sizes of the session and event tables, and hashes of their rows in any order."""
    return query(
        database,
        """
        with events as (
            select
                user_id, device_id, event_name, app_version, client, event_at, island_started_at,
                session_started_at, gap_us, is_ignored, is_duplicate, reject_reason, rejected_row
            from int_web__events_sessionized
        ),
        hashes as (
            select hash(s) as of_session, null as of_event from fct_sessions as s
            union all
            select null, hash(e) from events as e
        )
        select
            count(of_session), bit_xor(of_session), sum(of_session)::uhugeint,
            count(of_event), bit_xor(of_event), sum(of_event)::uhugeint
        from hashes
        """,
    )


def check_totals(what, found, expected):
    # sums of fractions differ in their last digits, by the order in which they are added up
    if any(abs(a - b) > 1e-9 * b for a, b in zip(found, expected, strict=True)):
        sys.exit(f"{what} differ: {found}, and not {expected}")


def fresh(name, copy_of=None):
    """Return the path of a database that does not exist, or is the copy of one."""
    database = WORK / f"{name}.duckdb"
    for leftover in (database, Path(f"{database}.wal")):
        leftover.unlink(missing_ok=True)
    if copy_of:
        shutil.copy(copy_of, database)
    return database


def measure(rows):
    folder = WORK / str(rows)
    subprocess.run([sys.executable, "bench/generate.py", str(rows), folder], cwd=ROOT, check=True)
    formats = [kind for kind in ("parquet", "csv") if (folder / f"events.{kind}").exists()]
    measures = Measures()
    rule = compiled_rule()
    bases = {}
    for increment in ("tiny_new", "new", "late"):
        base = "tiny" if increment == "tiny_new" else f"before_{increment}"
        bases[increment] = fresh(base)
        measures.dbt(f"dbt run, {base}", bases[increment], folder / f"{base}.parquet")
    for _ in range(3 if rows < 100_000_000 else 1):
        measures.dbt("dbt's start, full", fresh("start"), folder / "tiny.parquet")
        for kind in formats:
            file = folder / f"events.{kind}"
            measures.dbt(f"full run, {kind}", fresh(kind), file)
            by_hand = floor(measures, f"by hand, {kind}", "full", file, fresh("floor"))
            check_totals("sessions by hand", by_hand, totals(WORK / f"{kind}.duckdb"))
        file = folder / "events.parquet"
        in_duckdb = floor(measures, "sessions alone, DuckDB", "sessions", file, rule)
        in_polars = floor(measures, "sessions alone, Polars", "polars", file)
        check_totals("sessions in Polars", in_polars, in_duckdb)
        for increment, base in bases.items():
            part = "dbt's start, increment" if increment == "tiny_new" else f"1 % {increment}"
            base_name = base.stem
            database = fresh("increment", copy_of=base)
            files = [folder / f"{name}.parquet" for name in (base_name, increment)]
            measures.dbt(part, database, *files)
            if increment != "tiny_new" and contents(database) != contents(WORK / "parquet.duckdb"):
                sys.exit(f"{part} gives other tables than a full run")
        read = f"import duckdb; duckdb.connect({str(WORK / 'parquet.duckdb')!r}, read_only=True)"
        measures.run(
            "view timeout_sensitivity",
            [sys.executable, "-c", f"{read}.execute('from timeout_sensitivity').fetchall()"],
        )
    return measures, formats


def report(rows, measures, formats):
    median = measures.median
    print(f"\n{rows:,} events\n")
    print("| part | seconds | of these dbt's start | processor seconds | peak memory, MB |")
    print("|---|--:|--:|--:|--:|")
    for part in measures.runs:
        start = start_of(part)
        print(
            f"| {part} | {median(part):.2f} | {f'{median(start):.2f}' if start else ''} "
            f"| {median(part, 1):.1f} | {median(part, 2):,.0f} |"
        )
    print("\n| ratio | seconds | without dbt's start | processor, without it | goal |")
    print("|---|--:|--:|--:|--:|")
    compared = [(f"full run, {kind}", f"by hand, {kind}", "1.5") for kind in formats]
    compared += [
        ("sessions alone, DuckDB", "sessions alone, Polars", "1"),
        ("1 % new", "full run, parquet", "0.05"),
        ("1 % late", "full run, parquet", "0.15"),
    ]
    for part, other, goal in compared:
        total = median(part) / median(other)
        without, processor = (net(measures, part, i) / net(measures, other, i) for i in (0, 1))
        print(f"| {part} : {other} | {total:.3f} | {without:.3f} | {processor:.3f} | {goal} |")
    print("\n| model, seconds | " + " | ".join(measures.models) + " |")
    print("|---|" + "--:|" * len(measures.models))
    for model in measures.models["full run, parquet"]:
        times = [statistics.median(seconds.get(model, [0])) for seconds in measures.models.values()]
        if max(times) >= 0.3:
            print(f"| {model} | " + " | ".join(f"{seconds:.2f}" for seconds in times) + " |")


def start_of(part):
    """Return the part that measures how long dbt takes to start."""
    if part.startswith("full run"):
        return "dbt's start, full"
    return "dbt's start, increment" if part.startswith("1 %") else None


def net(measures, part, column):
    start = start_of(part)
    return measures.median(part, column) - (measures.median(start, column) if start else 0)


if __name__ == "__main__":
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    report(rows, *measure(rows))
