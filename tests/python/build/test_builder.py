"""The first steps of a user: build the sample, and read the answers."""

import json
import os
import subprocess
import sys

import duckdb
import pytest
from support.project import ROOT, Project


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Return the sample, built without its tests."""
    project = Project(tmp_path_factory.mktemp("sample"))
    project.run("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    return project


def answers(database, *options):
    return subprocess.run(
        [sys.executable, "-m", "dwell", "answers", *options],
        env=os.environ | {"DWELL_DATABASE": str(database), "COLUMNS": "90"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_fresh_build_passes_every_test_without_a_warning(tmp_path):
    results = Project(tmp_path).run("build")
    statuses = {str(r.status) for r in results.results}
    assert statuses <= {"success", "pass", "no-op"}, statuses


def test_a_mart_is_built_with_its_tests_alone_on_a_new_file(tmp_path):
    results = Project(tmp_path).run("build", "--select", "+fct_sessions").results
    assert {str(r.status) for r in results} <= {"success", "pass"}
    assert any(r.node.name == "unique_fct_sessions_session_id" for r in results)


def test_the_analyses_run(sample):
    compiled = sample.run("compile", "--select", "resource_type:analysis")
    sql = {r.node.name: r.node.compiled_code for r in compiled.results}
    assert len(sql) == len(list((ROOT / "analyses").glob("*.sql")))
    for code in sql.values():
        assert sample.rows(code)
    # the rule in its shortest form gives the same sessions
    by_hand = sample.rows(sql["2_sessions_by_hand"])
    by_dwell = sample.rows(
        """select user_id, device_id, session_number, started_at, ended_at, event_count
        from fct_sessions"""
    )
    assert sorted(map(str, by_hand)) == sorted(map(str, by_dwell))


def test_the_answers_are_printed(sample):
    done = answers(sample.database)
    assert done.returncode == 0, done.stderr
    for number, question in enumerate(
        ("On which day", "What is a session", "highest number of events", "average session"), 1
    ):
        assert f" {number}  " in done.stdout
        assert question in done.stdout


def test_the_answers_as_json_have_the_numbers_too(sample):
    # --database goes before DWELL_DATABASE
    output = json.loads(answers("none.duckdb", "--database", sample.database, "--json").stdout)
    assert [a["question_number"] for a in output["answers"]] == [1, 2, 3, 4]
    # as README.md has them
    assert output["answers"][0]["answer"] == "2025-03-18"
    assert output["answers"][0]["answer_value"] == 538
    assert output["answers"][0]["answer_text"] == (
        "The busiest day was 18 March 2025, with 538 events."
    )
    assert output["is_sample"] is True
    assert output["busiest_days"] == [{"activity_date": "2025-03-18", "events": 538}]
    assert output["session_summary"]["sessions"] == 517
    assert output["session_summary"]["median_duration_seconds"] == 106
    assert output["session_summary"]["last_ended_at"].endswith("Z")
    assert output["events"] == {
        "rows_read": 3089,
        "rows_accepted": 3000,
        "rows_duplicate": 60,
        "rows_rejected": 29,
        "reject_reasons": {
            "missing_user_and_device": 7,
            "unreadable_event_time": 7,
            "before_earliest_event_date": 6,
            "missing_event_time": 5,
            "in_the_future": 4,
        },
    }
    assert output["watch_streams"]["ended"] == 34
    assert output["heartbeats"]["rows_rejected"] == 25


def test_without_a_build_the_error_of_answers_states_what_to_do(tmp_path):
    done = answers(tmp_path / "none.duckdb")
    assert done.returncode == 1
    assert "build first, with make" in done.stderr


def test_a_file_that_is_no_database_or_is_being_written_is_named_as_such(tmp_path):
    (tmp_path / "text.duckdb").write_text("no database\n" * 1000)
    assert "it is not a DuckDB database" in answers(tmp_path / "text.duckdb").stderr
    with duckdb.connect(str(tmp_path / "busy.duckdb")):
        done = answers(tmp_path / "busy.duckdb")
    assert done.returncode == 1
    assert "open for writing elsewhere" in done.stderr and "build first" not in done.stderr
