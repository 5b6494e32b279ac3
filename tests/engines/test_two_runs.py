"""Two dbt runs at the same time: one goes first, the other is refused with a sentence.

Nothing is lost or counted twice, and other processes can read.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import batches
import pytest
from dbt.cli.main import dbtRunner
from engine import ROOT, engines, variables
from runs import by_load_time, compare, every_mart, in_batches

from dwell.dbt.runner import release

DBT = Path(sys.executable).with_name("dbt")


class Runs:
    """dbt runs on an engine, each with folders of its own, of what is loaded so far."""

    def __init__(self, engine, name):
        self.engine = engine
        engine.begin(name)
        self.settings = by_load_time(engine)
        self.environment = engine.environment | {"DWELL_SCHEMA": engine.schema}

    def load(self, batch):
        for table, rows in batch.items():
            self.engine.load(table, rows)

    def arguments(self, number):
        work = self.engine.work / str(number)
        return [
            *("--no-use-colors", "--no-version-check", "run", "--target", self.engine.target),
            *("--project-dir", str(ROOT), "--profiles-dir", str(ROOT)),
            *("--target-path", str(work / "target"), "--log-path", str(work / "logs")),
            *("--vars", json.dumps(self.settings)),
        ]

    def start(self, number):
        """Return a run that has begun, in a process of its own."""
        return subprocess.Popen(
            [DBT, *self.arguments(number)],
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end_well(self, number):
        run = self.start(number)
        output, _ = run.communicate()
        assert run.returncode == 0, output


@pytest.mark.parametrize("name", ["ducklake", "postgres"])
def test_a_run_that_was_overtaken_is_refused(name, expected, request):
    runs = Runs(request.getfixturevalue(name), "overtaken")
    (error,) = overtake(runs, lambda: runs.end_well(1))
    assert "dwell: another run has loaded from" in error
    compare(expected(in_batches, "sample_in_batches")[1], every_mart(runs.engine))


@pytest.mark.parametrize("name", engines("snowflake", "bigquery", long=("bigquery",)))
def test_a_run_whose_lease_was_taken_is_refused(name, expected, request):
    """Its MERGE comes after another run has begun, as that of a dbt that was killed may."""
    runs = Runs(request.getfixturevalue(name), "overtaken")
    errors = overtake(runs, lambda: runs.end_well(1))
    # the other thread may have stored the events before
    assert any("of heartbeats has begun" in error for error in errors)
    assert all("This run has changed nothing" in error for error in errors), errors
    compare(expected(in_batches, "sample_in_batches")[1], every_mart(runs.engine))


@pytest.mark.long
def test_a_run_whose_lease_was_taken_is_refused_on_spark(spark, expected):
    """There can be one Spark in a process: the lease is taken as another run would."""
    runs = Runs(spark, "overtaken")

    def take_leases():
        for name in ("event", "heartbeat"):
            spark.execute(
                f"update {spark.schema}.dwell_{name}_lease"
                " set load_number = load_number + 1, run_id = 'another run' where true"
            )

    errors = overtake(runs, take_leases)
    assert errors and all("This run has changed nothing" in error for error in errors), errors
    spark.dbt("run", **runs.settings)
    compare(expected(in_batches, "sample_in_batches")[1], every_mart(spark))


def overtake(runs, other):
    """Let another run go by while one has staged its heartbeats; return the errors of that one."""
    first, second, _ = batches.sample_in_batches()
    runs.load(first)
    runs.engine.dbt("run", **runs.settings)
    runs.load(second)
    overtaken = []

    def once_staged(event):
        is_end = event.info.name == "NodeFinished" and not overtaken
        if is_end and event.data.node_info.node_name == "stg_watch__heartbeats":
            overtaken.append(True)
            other()

    with variables(runs.environment):
        try:
            result = dbtRunner(callbacks=[once_staged]).invoke(
                ["--log-level", "none", "--no-print", *runs.arguments(2)]
            )
        finally:
            release()
    assert overtaken and not result.success
    return [r.message for r in result.result.results if r.status == "error"]


@pytest.mark.long
def test_two_runs_at_once_on_a_lake(ducklake, expected):
    runs = Runs(ducklake, "at_once")
    first, second, third = batches.sample_in_batches()
    runs.load(first)
    runs.end_well("first")
    runs.load(second)
    with Queries(ducklake) as queries:
        for run in [runs.start(name) for name in ("one", "other")]:
            output, _ = run.communicate()
            # otherwise the other run has loaded everything
            assert run.returncode == 0 or "dwell: another run" in output, output
    runs.load(third)
    runs.end_well("last")
    compare(expected(in_batches, "sample_in_batches")[2], every_mart(ducklake))
    assert queries.reads


class Queries:
    """A process that queries the lake all the time, and must see totals that add up."""

    def __init__(self, engine):
        self.engine, self.reads, self.failed = engine, 0, None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.read)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        if self.failed:
            raise self.failed

    def read(self):
        try:
            while not self.ended.wait(0.1):
                columns, rows = self.engine.rows("event_reconciliation")
                assert all(row[columns.index("is_balanced")] for row in rows), rows
                self.engine.rows("fct_sessions")
                self.reads += 1
        except Exception as error:
            self.failed = error
