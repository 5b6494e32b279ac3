"""Partial runs never mix what belongs apart."""

from dbt.artifacts.schemas.results import RunStatus
from dbt.task.run import RunTask
from support.events import write_events


def test_a_full_refresh_of_a_part_under_other_settings_is_refused(project, tmp_path):
    path = write_events(
        tmp_path / "events.csv",
        [("view", "ann", "2025-01-01 10:00:00"), ("view", "ann", "2025-01-01 10:25:00")],
    )
    project(events_path=str(path)).run("run")
    other = project(events_path=str(path), session_timeout_minutes=20)
    error = other.run("run", "--select", "int_web__sessions", fails=True, full_refresh=True)
    assert "session_timeout_minutes was 30 and is 20" in error
    assert other.row("select count(*) from fct_sessions") == (1,)
    other.run("run", full_refresh=True)
    assert other.row("select count(*) from fct_sessions") == (2,)


def test_a_full_refresh_of_a_part_reads_no_input(project, tmp_path):
    path = write_events(tmp_path / "events.csv", [("view", "ann", "2025-01-01 10:00:00")])
    dwell = project(events_path=str(path))
    dwell.run("run")
    write_events(tmp_path / "later.csv", [("view", "bob", "2025-01-01 10:00:00")])
    path.unlink()
    dwell.run("run", "--select", "int_web__sessions", full_refresh=True)
    assert dwell.row("select count(*) from fct_sessions") == (1,)


def test_a_run_without_its_hooks_is_refused(project, tmp_path, monkeypatch):
    path = write_events(tmp_path / "events.csv", [("view", "ann", "2025-01-01 10:00:00")])
    dwell = project(events_path=str(path))
    dwell.run("run")
    # as with dbt's --use-v2-parser
    monkeypatch.setattr(RunTask, "safe_run_hooks", lambda *_, **__: RunStatus.Success)
    assert "its hooks of on-run-start did not run" in dwell.run("run", fails=True)
    assert dwell.row("select count(*) from fct_sessions") == (1,)
