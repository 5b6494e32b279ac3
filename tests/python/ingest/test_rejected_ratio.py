"""A run that rejects most of what it reads stops, and reports what is most often wrong."""

import os

import duckdb
import pytest
from support.events import MODIFIED, write_events
from support.project import Project

MODELS = ("--select", "+fct_sessions")
GOOD = ("view", "u", "2025-01-01 10:00")
NO_USER = ("view", "", "1.0", "2025-01-01 10:00", "", "web")


@pytest.fixture
def load(tmp_path):
    """Return a way to load one more file of events; it returns the error of a run that fails."""
    project = Project(tmp_path)

    def load_file(name, events, fails=False, **settings):
        write_events(tmp_path / "in" / name, events)
        project.settings = {"events_path": f"{tmp_path}/in/*.csv", **settings}
        return project.run("run", *MODELS, fails=fails)

    load_file.project = project
    (tmp_path / "in").mkdir()
    return load_file


def counts(project):
    return project.row("select count(*), count(reject_reason) from int_web__events_sessionized")


@pytest.mark.parametrize(
    ("event", "reason", "helps"),
    [
        (("view", "u", "31/12/2025"), "unreadable_event_time", "event_time_format"),
        (NO_USER, "missing_user_and_device", "events_columns"),
        (("view", "u", ""), "missing_event_time", "events_columns"),
        (("view", "u", "1"), "before_earliest_event_date", "earliest_event_date"),
    ],
)
def test_a_first_load_of_one_row_stops_and_reports_what_helps(event, reason, helps, load):
    error = load("a.csv", [event], fails=True)
    assert f"dwell: 1 of 1 new events were rejected, most often as {reason}, as in " in error
    assert "/in/a.csv: {" in error and helps in error and "max_rejected_ratio to 1" in error
    assert load.project.rows("from dwell_event_loads") == []
    load("a.csv", [event], max_rejected_ratio=1)
    assert counts(load.project) == (1, 1)


def test_half_may_be_rejected_and_no_more(load):
    bad = ("view", "u", "no time")
    assert "3 of 5 new events were" in load("a.csv", [GOOD, GOOD, bad, bad, bad], fails=True)
    load("a.csv", [GOOD, GOOD, bad, bad])
    assert counts(load.project) == (4, 2)


def test_a_few_bad_rows_do_not_stop_a_later_load_and_a_hundred_do(load):
    load("a.csv", [GOOD])
    load("b.csv", [("view", "u", f"no time {n}") for n in range(99)])
    assert counts(load.project) == (100, 99)
    error = load("c.csv", [("view", "u", f"no time {n}") for n in range(100)], fails=True)
    assert "dwell: 100 of 100 new events" in error and "/in/c.csv: {" in error
    assert counts(load.project) == (100, 99)
    assert len(load.project.rows("from dwell_event_loads")) == 2


def test_the_most_frequent_reason_is_reported(load):
    error = load("a.csv", [NO_USER, *[("v", "u", "x")] * 2, GOOD], fails=True)
    assert "3 of 4 new events were rejected, most often as unreadable_event_time" in error


def test_heartbeats_too(tmp_path):
    header = "user_id,program_id,start_time,session_id,device,event_time\n"
    row = "u,p,2025-01-01T10:00:00Z,s,tv,{}\n"
    path = tmp_path / "a.csv"
    path.write_text(header + row.format("2025-01-01T10:00:04Z") + row.format("soon") * 2)
    os.utime(path, (MODIFIED, MODIFIED))
    project = Project(tmp_path, heartbeats_path=str(path))
    error = project.run("run", "--select", "+fct_watch_streams", fails=True)
    assert (
        "dwell: 2 of 3 new heartbeats were rejected, most often as unreadable_event_time" in error
    )
    assert "heartbeats_time_format" in error and "No stream was changed" in error
    project.settings["max_rejected_ratio"] = 0.7
    project.run("run", "--select", "+fct_watch_streams")
    assert project.row("select sum(heartbeats) from int_watch__streams") == (1,)


def test_of_a_table_the_load_time_is_named(tmp_path):
    project = Project(tmp_path, events_relation="raw.events", events_loaded_at="loaded_at")
    with duckdb.connect(str(project.database)) as connection:
        connection.execute(
            """create schema raw; create table raw.events as select 'view' as event_name,
            'ann' as user_id, '1' as app_version, timestamp '2025-01-02' as event_time, 'd' as
            device_id, 'web' as client, timestamp '2025-01-01' as loaded_at"""
        )
    error = project.run("run", "--select", "+fct_sessions", fails=True)
    assert "and look whether events_loaded_at is in UTC" in error
