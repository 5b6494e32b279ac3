"""The DAG is imported without errors, and has the expected tasks."""

import json
import subprocess

import pytest
from real_airflow import DAG, VENV, environment_of
from support.optional import need
from support.project import ROOT, WATCH_MARTS

BEFORE = ["note_end_offsets", "consume", "check_schema", "streams"]
AFTER = ["load", "reconcile"]
MARTS = [f"marts.{mart}_model_build" for mart in WATCH_MARTS]
# one mart reads another
STREAMS, LENGTHS = (f"marts.{m}_model_build" for m in ("fct_watch_streams", "stream_lengths"))


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    need("airflow")
    folder = tmp_path_factory.mktemp("airflow")
    done = subprocess.run(
        [VENV / "python", ROOT / "tests" / "airflow" / "describe.py", ROOT / "airflow" / "dags"],
        env=environment_of(folder),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def dag(described):
    return described["dags"][DAG]


@pytest.fixture
def tasks(dag):
    return dag["tasks"]


def test_the_dag_is_imported_without_errors_and_quickly(described):
    assert described["errors"] == {}
    assert list(described["dags"]) == [DAG]
    # a scheduler imports it repeatedly
    assert described["seconds"] < 20


def test_each_step_waits_for_the_one_before(tasks):
    assert sorted(tasks) == sorted(BEFORE + MARTS + AFTER)
    waits_for = {task: ["streams"] for task in MARTS} | {LENGTHS: [STREAMS]}
    waits_for |= {"load": sorted({*MARTS} - {STREAMS}), "reconcile": ["load"]}
    waits_for |= {
        "note_end_offsets": [],
        "consume": ["note_end_offsets"],
        "check_schema": ["consume"],
    }
    waits_for |= {"streams": ["check_schema"]}
    assert {task: about["upstream"] for task, about in tasks.items()} == waits_for


def test_staging_and_streams_are_one_task(tasks):
    """Either alone would store an old batch, or none."""
    folders = tasks["streams"]["select"].split()
    assert folders == ["path:models/staging/watch", "path:models/intermediate/watch"]
    for mart in MARTS:
        assert tasks[mart]["select"].startswith("fqn:dwell.marts.watch.")


def test_a_mart_is_built_with_its_tests(tasks):
    for mart in MARTS:
        assert tasks[mart]["kind"] == "DbtBuildLocalOperator"


@pytest.mark.parametrize("task", BEFORE + MARTS + AFTER)
def test_a_task_has_retries_a_timeout_an_alert_and_a_description(tasks, task):
    about = tasks[task]
    assert about["retries"] == 3
    assert about["retry_seconds"] == 60
    assert 60 <= about["timeout"] <= 2 * 3600
    assert about["alerts"] == ["alert"]
    assert len(about["doc"]) > 30


def test_one_run_at_a_time_and_none_for_missed_intervals(dag):
    assert (dag["max_active_runs"], dag["max_active_tasks"], dag["catchup"]) == (1, 1, False)
    assert "Interval" in dag["timetable"]
    assert dag["params"] == {"max_share": 0.05, "accept_loss": False}
    assert "backfill" in dag["doc"]


def test_others_can_depend_on_the_table_once_it_is_reconciled(tasks):
    assert {task: about["outlets"] for task, about in tasks.items() if about["outlets"]} == {
        "reconcile": ["watch_streams"]
    }
    assert tasks["consume"]["inlets"] == ["heartbeats"]


def test_nothing_secret_and_no_data_is_in_it(tasks):
    """Tasks get names and paths; credentials are in the environment of the workers."""
    options = " ".join(option for about in tasks.values() for option in about["arguments"] or [])
    assert options.count("xcom_pull") == 1 and "note_end_offsets" in options
    for secret in ("password", "secret", "token", "sasl"):
        assert secret not in options.lower()
