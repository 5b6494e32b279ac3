"""A statement may run on a connection that lacks what another has set: no result is wrong."""

import pytest
from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper
from support.events import write_events
from support.project import Project

TIMES = ["10:00", "10:20", "12:00", "10:40", "12:10", "09:50"]
SESSIONS = """select user_id, started_at, ended_at, event_count, session_number
from fct_sessions order by all"""
STREAMS = "select user_id, first_heartbeat_at, heartbeats from fct_watch_streams order by all"
HEADER = "user_id,program_id,start_time,session_id,device,event_time"


@pytest.fixture
def lose(monkeypatch):
    """Return a way to let statements find no variable of a name."""
    execute = DuckDBCursorWrapper.execute
    met = []

    def lose(name):
        def without(self, sql, bindings=None):
            known = f"getvariable('{name}')"
            if known in sql:
                met.append(name)
                sql = sql.replace(known, "getvariable('never_set')")
            return execute(self, sql, bindings)

        monkeypatch.setattr(DuckDBCursorWrapper, "execute", without)
        return met

    return lose


def of_heartbeats(path, times):
    lines = [f"ann,news,2025-01-01 09:00,s,tv,2025-01-01 {time}" for time in times]
    path.write_text("\n".join([HEADER, *lines]) + "\n")


@pytest.mark.parametrize(
    "name", ["dwell_replaced_from", "dwell_watch_from", "dwell_nothing_is_broken"]
)
def test_runs_equal_a_full_refresh_without_it(name, lose, tmp_path):
    met = lose(name)
    project = Project(
        tmp_path,
        events_path=f"{tmp_path}/*.events.csv",
        heartbeats_path=f"{tmp_path}/*.beats.csv",
        watch_timeout_seconds=1800,
        watch_as_of="2025-01-02T00:00:00Z",
    )
    for number, times in enumerate(zip(TIMES[::2], TIMES[1::2], strict=True)):
        rows = [("view", "ann", f"2025-01-01 {time}") for time in times]
        write_events(tmp_path / f"{number}.events.csv", rows)
        of_heartbeats(tmp_path / f"{number}.beats.csv", times)
        project.run("run")
    incremental = project.rows(SESSIONS), project.rows(STREAMS)
    project.run("run", full_refresh=True)
    assert (project.rows(SESSIONS), project.rows(STREAMS)) == incremental
    # 09:50 to 10:40 is one, 12:00 to 12:10 another
    assert [row[3] for row in incremental[0]] == [4, 2]
    assert [row[2] for row in incremental[1]] == [4, 2]
    assert met, "no statement asks for it"
