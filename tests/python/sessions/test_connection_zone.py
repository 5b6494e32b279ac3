"""The time zone of the connection changes no result: a profile need not set it."""

import os
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from dbt.adapters.duckdb.environments import Environment
from support.events import MODIFIED, write_events
from support.kafka.landing import land, payload
from support.project import Project

# a time in a file, and that time in UTC where the source's zone is Europe/Berlin, in summer
TIMES = {
    "2024-07-01": "2024-06-30 22:00:00",
    "2024-07-01 12:00:00": "2024-07-01 10:00:00",
    "2024-07-01T12:00:00.250": "2024-07-01 10:00:00.25",
    "2024-07-01T12:00": "2024-07-01 10:00:00",
    "20240701T120000": "2024-07-01 10:00:00",
    "2024-07-01T12:00:00Z": "2024-07-01 12:00:00",
    "2024-07-01T12:00Z": "2024-07-01 12:00:00",
    "2024-07-01 12:00:00+02:00": "2024-07-01 10:00:00",
    "2024-07-01 12:00:00-0330": "2024-07-01 15:30:00",
    "2024-07-01 12:00:00+05:30:00": "2024-07-01 06:30:00",
    "2024-07-01T12:00:00 +0200": "2024-07-01 10:00:00",
    "2024-07-01 12:00:00 America/New_York": "2024-07-01 16:00:00",
}
# where it is UTC, those without a zone are as they are written
IN_UTC = TIMES | {
    "2024-07-01": "2024-07-01 00:00:00",
    "2024-07-01 12:00:00": "2024-07-01 12:00:00",
    "2024-07-01T12:00:00.250": "2024-07-01 12:00:00.25",
    "2024-07-01T12:00": "2024-07-01 12:00:00",
    "20240701T120000": "2024-07-01 12:00:00",
}
EVENTS = "select event_at, reject_reason from int_web__events_sessionized order by all"


@pytest.fixture(autouse=True)
def in_tokyo(monkeypatch):
    """Let every connection of dbt's be in a zone that is nine hours from UTC."""
    initialize = Environment.initialize_cursor.__func__
    begun = []

    def initialize_in_tokyo(cls, creds, cursor, *more, **named):
        cursor = initialize(cls, creds, cursor, *more, **named)
        cursor.execute("set TimeZone = 'Asia/Tokyo'")
        begun.append(cursor)
        return cursor

    monkeypatch.setattr(Environment, "initialize_cursor", classmethod(initialize_in_tokyo))
    yield
    assert begun


def loaded(project):
    project.run("run", "--select", "+fct_sessions")
    return project.rows(EVENTS)


def moments(texts):
    return sorted((datetime.fromisoformat(text), None) for text in texts)


@pytest.mark.parametrize(("zone", "times"), [("Europe/Berlin", TIMES), ("UTC", IN_UTC)])
def test_a_text_is_of_its_own_zone_or_of_the_source(zone, times, tmp_path):
    rows = [(f"view {number}", "ann", time) for number, time in enumerate(times)]
    path = write_events(tmp_path / "a.csv", rows)
    project = Project(tmp_path, events_path=str(path), source_timezone=zone)
    assert loaded(project) == moments(times.values())


def test_other_kinds_of_times_are_too(tmp_path):
    kinds = {
        "seconds": ("1719835200", "auto", "2024-07-01 12:00:00"),
        "excel": ("45474.5", "excel", "2024-07-01 10:00:00"),
        "format": ("1.7.2024 12:00", "%d.%m.%Y %H:%M", "2024-07-01 10:00:00"),
        "offset": ("1.7.2024 12:00 +0100", "%d.%m.%Y %H:%M %z", "2024-07-01 11:00:00"),
    }
    for name, (time, form, expected) in kinds.items():
        path = write_events(tmp_path / name / "a.csv", [("view", "ann", time)])
        project = Project(path.parent, events_path=str(path), source_timezone="Europe/Berlin")
        project.settings["event_time_format"] = form
        assert loaded(project) == moments([expected]), name


def test_a_column_with_a_zone_is_an_instant(tmp_path):
    path = tmp_path / "a.parquet"
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'America/New_York'")
        connection.execute(
            f"""copy (select 'view' as event_name, 'ann' as user_id, '1' as app_version,
            timestamptz '2024-07-01 12:00:00' as event_time, 'phone' as device_id,
            'web' as client) to '{path}'"""
        )
    os.utime(path, (MODIFIED, MODIFIED))
    project = Project(tmp_path, events_path=str(path), source_timezone="Europe/Berlin")
    assert loaded(project) == moments(["2024-07-01 16:00:00"])


def test_a_file_is_as_old_as_it_is(tmp_path):
    """An event may be an hour later than its file."""
    modified = datetime.fromtimestamp(MODIFIED, UTC)
    texts = [(modified + timedelta(hours=hours)).isoformat() for hours in (0, 1, 2)]
    rows = [("view", "ann", text) for text in texts]
    project = Project(tmp_path, events_path=str(write_events(tmp_path / "a.csv", rows)))
    assert [reason for _, reason in loaded(project)] == [None, None, "in_the_future"]


def test_load_times_are_instants(tmp_path):
    """Else those of the first run would be nine hours later than they are."""
    project = Project(
        tmp_path,
        events_relation="raw.events",
        events_loaded_at="loaded_at",
        load_settle_seconds=3600,
    )
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create schema raw")
        connection.execute(
            """create table raw.events as select 'view' as event_name, 'ann' as user_id,
            '1' as app_version, now() - interval 2 day as event_time, 'phone' as device_id,
            'web' as client, now() - interval 2 hour as loaded_at"""
        )
    assert len(loaded(project)) == 1
    age = "select (epoch(now()) - epoch(modified_at)) / 60 from dwell_event_loads"
    assert 119 <= project.row(age)[0] <= 122


def test_a_message_was_received_when_it_was(tmp_path):
    """A heartbeat may be an hour later than its message; the second is later."""
    times = ["2025-01-01T12:59:00Z", "2025-01-01T13:01:00Z"]
    path = land(tmp_path / "a.parquet", dict(enumerate(payload(event_time=t) for t in times)))
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            f"""copy (select * replace (received_at::timestamptz as received_at)
            from '{path}') to '{tmp_path}/b.parquet'"""
        )
    project = Project(tmp_path, heartbeats_path=f"{tmp_path}/b.parquet", max_rejected_ratio=1)
    project.run("run", "--select", "stg_watch__heartbeats", "int_watch__streams")
    rows = project.rows("select reject_reason from stg_watch__heartbeats order by topic_offset")
    assert rows == [(None,), ("in_the_future",)]
