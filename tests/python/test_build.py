"""What a person does first: build the sample, and read."""

import subprocess
import sys

from project import ROOT, Project


def test_a_fresh_build_passes_every_test_without_a_warning(tmp_path):
    results = Project(tmp_path).run("build")
    statuses = {str(r.status) for r in results.results}
    assert statuses <= {"success", "pass", "no-op"}, statuses


def test_the_analyses_run(tmp_path):
    project = Project(tmp_path)
    project.run("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    compiled = project.run("compile", "--select", "resource_type:analysis")
    sql = {r.node.name: r.node.compiled_code for r in compiled.results}
    assert len(sql) == len(list((ROOT / "analyses").glob("*.sql")))
    for code in sql.values():
        assert project.rows(code)
    # the rule in its shortest form gives the same sessions
    by_hand = project.rows(sql["2_sessions_by_hand"])
    told = project.rows(
        """select user_id, device_id, session_number, started_at, ended_at, event_count
        from fct_sessions"""
    )
    assert sorted(map(str, by_hand)) == sorted(map(str, told))


def test_the_answers_are_printed(tmp_path):
    project = Project(tmp_path)
    project.run("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    printed = subprocess.run(
        [sys.executable, "-m", "dwell", "answers"],
        env={"DWELL_DATABASE": str(project.database), "COLUMNS": "90"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for number, question in enumerate(
        ("On which day", "What is a session", "highest number of events", "average session"), 1
    ):
        assert f" {number}  " in printed
        assert question in printed


def test_without_a_build_the_answers_say_what_to_do(tmp_path):
    told = subprocess.run(
        [sys.executable, "-m", "dwell", "answers"],
        env={"DWELL_DATABASE": str(tmp_path / "none.duckdb")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "build first, with make" in told.stderr
