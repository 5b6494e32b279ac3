"""Settings that are wrong, contradict each other or have changed stop the run, and say so."""

import json
import re
import shutil
from math import nan

import duckdb
import pytest
import yaml
from dbt.cli.main import dbtRunner
from support.events import write_events
from support.project import ROOT, Project, release

from dwell.dbt.runner import Dbt

ALL = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["dwell"]
# those of the heartbeats: tests/python/test_watch_settings.py
SETTINGS = {
    name: value for name, value in ALL.items() if not name.startswith(("heartbeats_", "watch_"))
}
EVENTS = [("view", "u1", "2025-01-01 10:00"), ("click", "u2", "2025-01-01 23:50")]


def sentence(said):
    """Return the sentence that a failed run said; there is one, and it is dwell's."""
    found = set(re.findall(r"dwell: .*", said))
    assert len(found) == 1, said
    return found.pop()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Tables built with every setting as it comes, for a project that is parsed once."""
    folder = tmp_path_factory.mktemp("settings")
    write_events(folder / "a.csv", EVENTS)
    project = Project(folder, events_path=f"{folder}/a.csv")
    project.run("run", "--select", "+fct_sessions")
    return project


@pytest.fixture
def alike(built, tmp_path):
    """A project that is not parsed again: its settings change no `ref` and no config."""

    def make(**settings):
        project = Project(tmp_path, **settings)
        project._manifest = built.manifest()
        return project

    return make


def run(project, fails=False, full_refresh=False, **settings):
    """Run with other settings; those of the files stay unless they are given."""
    before = project.settings
    project.settings = {k: v for k, v in {**before, **settings}.items() if v != "leave out"}
    try:
        said = project.run(
            "run", "--select", "+fct_sessions", fails=fails, full_refresh=full_refresh
        )
        return sentence(said) if fails else said
    finally:
        project.settings = before


def contents(project):
    tables = ["int_web__events_sessionized", "int_web__sessions", "dwell_event_loads"]
    return [project.rows(f"from {table} order by all") for table in tables]


NUMBERS = [None, True, "30", [30], -1, nan]
FLAGS = [None, "true", 0, []]
ZONES = ["BST", "EST5EDT", None, "", "+01:00", ["UTC"], "o'clock"]
EVENT_LISTS = [None, 5, [None], {"view": 1}]
WRONG = {
    "events_path": ["", [], 5, True, [5], [None], {}, {"a": 1}],
    "events_relation": ["", "a.b.c.d", "a..b", ".", 5, [], ["a"], {"a": 1}, 'a."b"'],
    "events_loaded_at": [5, ["a"], True],
    "events_columns": [
        None, "x", 5, [], ["user_id"], {"users": "u"}, {"user_id": 5}, {"user_id": ""},
        {"user_id": " "}, {"user_id": [["a"]]}, {"event_time": None}, {"event_name": None},
        {"event_time": ["event_time", None]}, {"user_id": {"values": 1}},
    ],
    "events_format": ["", 5, "xlsx", ["csv"], {}, True],
    "events_csv": [
        None, "x", 5, [], {"sep": ","}, {"delim": ""}, {"delim": ";;"}, {"delim": '"'},
        {"encoding": "cp1252"}, {"header": "no"}, {"names": "a"}, {"names": []},
        {"names": ["a", "a"]}, {"names": ["a"], "header": True}, {"skip": -1}, {"skip": 1.5},
        {"skip": True},
    ],
    "events_json": [None, "x", 5, [], {"rows": ""}, {"rows": None}, {"rows": ["a"]}, {"row": "a"}],
    "event_time_format": [None, "", 5, "epoch", "ISO", ["iso"], {}, "%H:%M", "%d/%m/%Y %Z"],
    "events_received_at": ["", 20250701, "2025-07-01T12:00:00", "2025-02-30", "2025-07-01 25:00"],
    "source_timezone": ZONES,
    "null_values": [None, "NULL", 5, [None], [0], {"NULL": 1}],
    "max_rejected_ratio": [*NUMBERS[:-2], -0.1, 1.1, nan],
    "future_tolerance_minutes": NUMBERS,
    "load_settle_seconds": NUMBERS,
    "earliest_event_date": [
        None, "", 20250101, "2025-1-1", "2025-02-30", "1972-12-31", "2025-01-01T00:00",
        ["2025-01-01"],
    ],
    "drop_exact_duplicates": FLAGS,
    "session_timeout_minutes": [*NUMBERS, 0, 1441],
    "session_key": [
        None, "", "client", [], ["client"], ["user_id", "user_id"], ["user_id", "client"], 5,
        {"user_id": 1}, {"user_id": 1, "device_id": 1}, True, [None],
    ],
    "session_max_hours": [*NUMBERS[1:], 0, 1e12],
    "session_split_at_midnight": FLAGS,
    "session_start_events": EVENT_LISTS,
    "ignored_events": EVENT_LISTS,
    "reporting_timezone": ZONES,
    "pseudonymize_user_ids": FLAGS,
    "pseudonym_key_file": ["", 5, ["key"], {}, True],
}  # fmt: skip
# another value of each setting that stored rows depend on
OTHER = {
    "events_columns": {"client": None},
    "events_format": "csv",
    "events_csv": {"skip": 0},
    "events_json": {"rows": "results"},
    "event_time_format": "iso",
    "events_received_at": "2026-01-01",
    "null_values": ["NULL"],
    "source_timezone": "Europe/Berlin",
    "future_tolerance_minutes": 0.5,
    "earliest_event_date": "2025-01-01",
    "drop_exact_duplicates": False,
    "session_timeout_minutes": 29.5,
    "session_key": "device_id",
    "session_max_hours": 8,
    "session_split_at_midnight": True,
    "session_start_events": "view",
    "ignored_events": ["click"],
    "reporting_timezone": "America/New_York",
    "pseudonymize_user_ids": True,
}
# settings that say where rows come from and which are read now, on which stored rows do not depend
INPUT = {"events_path", "events_relation", "events_loaded_at", "load_settle_seconds"}
INPUT |= {"max_rejected_ratio", "pseudonym_key_file"}


def test_these_tests_know_every_setting():
    assert WRONG.keys() == SETTINGS.keys()
    assert OTHER.keys() == SETTINGS.keys() - INPUT


def test_the_settings_that_are_checked_are_those_of_the_project(built):
    said = run(built, fails=True, session_timeout=30)
    start = (
        "dwell: there is no setting session_timeout. Did you mean session_timeout_minutes? "
        "The settings are "
    )
    assert said.startswith(start)
    assert set(said.removeprefix(start).removesuffix(".").split(", ")) == ALL.keys()


def test_a_setting_is_not_given_under_the_name_of_the_package(built):
    said = run(built, fails=True, dwell={"session_timeout_minutes": 20})
    assert said.startswith("dwell: --vars takes a setting by its name alone")


@pytest.mark.parametrize("name", ["main", "Temp", "o'brien", 'a"b'])
def test_a_file_by_which_duckdb_cannot_call_a_database_is_refused(tmp_path, name):
    dwell = Dbt(tmp_path / f"{name}.duckdb", tmp_path, {})
    with pytest.raises(Exception, match=f"dwell: the database file must not be called {name}:"):
        dwell.manifest()
    assert not dwell.database.exists()


@pytest.mark.parametrize("name", WRONG)
def test_a_value_of_the_wrong_kind_is_told_with_the_name_of_its_setting(name, built):
    before = contents(built)
    for value in WRONG[name]:
        given = {"events_path": "leave out"} if name == "events_relation" else {}
        if name == "events_loaded_at":
            given = {"events_path": "leave out", "events_relation": "raw.events"}
        said = run(built, fails=True, **{**given, name: value})
        assert name in said and "were built with" not in said, (value, said)
    assert contents(built) == before


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"events_relation": "raw.events"}, ("events_path", "events_relation")),
        ({"events_loaded_at": "loaded_at"}, ("events_loaded_at", "events_relation")),
        (
            {"session_start_events": ["view"], "ignored_events": [" View"]},
            ("session_start_events", "ignored_events"),
        ),
        (
            {"events_columns": {"user_id": None, "device_id": None}},
            ("events_columns", "user_id", "device_id"),
        ),
        (
            {"pseudonymize_user_ids": True},
            ("pseudonymize_user_ids", "pseudonym_key_file"),
        ),
    ],
)
def test_settings_that_contradict_each_other_are_told(settings, names, built):
    said = run(built, fails=True, **settings)
    assert all(name in said for name in names), said
    assert "were built with" not in said


@pytest.mark.parametrize("name", OTHER)
def test_a_setting_that_has_changed_needs_a_full_refresh(name, built, alike):
    (built.folder / "key").write_text("a key of 16 characters or more")
    built.settings["pseudonym_key_file"] = f"{built.folder}/key"
    before = contents(built)
    said = run(built, fails=True, **{name: OTHER[name]})
    assert said.startswith("dwell: the tables were built with other settings: ")
    if name == "session_key":
        assert 'session_key was ["device_id", "user_id"] and is ["device_id"]' in said
    else:
        assert f"{name} was {json.dumps(SETTINGS[name])} and is {json.dumps(OTHER[name])}" in said
    assert "--full-refresh" in said
    assert contents(built) == before
    project = alike(**built.settings)
    shutil.copy(built.database, project.database)
    run(project, full_refresh=True, **{name: OTHER[name]})
    # and what was true before is now the change
    assert f"{name} was" in run(project, fails=True)


def test_dwells_own_tests_pass_under_any_settings(tmp_path):
    """They are of the rule, and part of each build: they must not depend on a user's settings."""
    (tmp_path / "key").write_text("a key of 16 characters or more")
    settings = OTHER | {
        "events_path": str(write_events(tmp_path / "a.csv", EVENTS)),
        "events_columns": {"event_id": "event_name"},
        "session_start_events": "click",
        "ignored_events": ["view"],
        "watch_timeout_seconds": 5,
        "pseudonym_key_file": f"{tmp_path}/key",
    }
    built = Project(tmp_path, **settings).run("build")
    units = [r for r in built.results if r.node.resource_type == "unit_test"]
    assert len(units) > 20
    assert {r.status for r in units} == {"pass"}


def test_another_kind_of_input_needs_a_full_refresh(alike, tmp_path):
    path = str(write_events(tmp_path / "a.csv", EVENTS))
    project = alike(events_path=path)
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create schema raw")
        for name in ("one", "two"):
            connection.execute(
                f"""create table raw.{name} as
                select *, timestamp '2025-06-01' as loaded_at from read_csv('{path}')"""
            )
    run(project)
    inputs = [
        ("input", "raw.one", {"events_relation": "raw.one"}),
        ("input", "raw.two", {"events_relation": "raw.two"}),
        ("events_loaded_at", "l", {"events_relation": "raw.two", "events_loaded_at": "loaded_at"}),
    ]
    for name, value, settings in inputs:
        settings = {"events_path": "leave out", **settings}
        before = contents(project)
        said = run(project, fails=True, **settings)
        assert f"{name} was" in said and value in said
        assert contents(project) == before
        run(project, full_refresh=True, **settings)
    run(project, full_refresh=True)
    assert [row[0] for row in project.rows("select source from dwell_event_loads")] == [path]


def test_more_files_and_another_spelling_are_no_change(alike, tmp_path):
    paths = [str(write_events(tmp_path / f"{n}.csv", EVENTS)) for n in range(3)]
    project = alike(events_path=paths[0], session_key="user_id")
    run(project)
    run(project, events_path=paths[:2], session_key=["user_id"])
    run(project, events_path=f"{tmp_path}/*.csv")
    assert project.row("select count(*) from dwell_event_loads") == (3,)
    run(project, full_refresh=True, session_key=["user_id", "device_id"])
    run(project, session_key=["device_id", "user_id"])


def from_the_command_line(project, settings, profiles=ROOT):
    """Run with settings in YAML, which may be none that JSON knows."""
    paths = ["--target-path", f"{project.folder}/target", "--log-path", f"{project.folder}/logs"]
    paths += ["--project-dir", str(ROOT), "--profiles-dir", str(profiles)]
    arguments = ["--quiet", "run", "--select", "+fct_sessions", *paths, "--vars", settings]
    result = dbtRunner().invoke(arguments)
    release()
    return result


def test_a_date_in_yaml_needs_no_quotes(alike, tmp_path):
    path = write_events(tmp_path / "a.csv", EVENTS)
    project = alike(events_path=str(path), earliest_event_date="2025-01-01")
    run(project)
    settings = f"{{events_path: {path}, earliest_event_date: 2025-01-01}}"
    again = from_the_command_line(project, settings)
    assert again.success, again.exception


@pytest.mark.parametrize("value", [[30], "abc"])
@pytest.mark.parametrize("name", ["session_timeout_minutes", "session_max_hours", "session_key"])
def test_a_wrong_value_is_told_where_the_project_is_parsed_with_it(
    name, value, project, monkeypatch
):
    """Models compute with settings while dbt parses them; above, it parsed right ones."""
    monkeypatch.setattr("project.MANIFESTS", {})
    said = project(**{name: value}).run("run", fails=True)
    assert f"dwell: {name} must be" in said


SELECTED = ("--select", "+fct_sessions", "event_reconciliation")


def test_a_run_with_empty_loses_nothing(alike, tmp_path):
    """dbt's --empty builds tables without rows, and nothing may pass for loaded."""
    project = alike(events_path=f"{tmp_path}/landing/*")
    write_events(tmp_path / "landing" / "a.csv", EVENTS)
    project.run("run", "--empty", *SELECTED)
    assert project.rows("from fct_sessions") == []
    project.run("run", *SELECTED)
    assert project.row("select count(*), sum(event_count) from fct_sessions") == (2, 2)
    write_events(tmp_path / "landing" / "b.csv", [*EVENTS, ("view", "u3", "2025-01-01 10:00")])
    project.run("run", "--empty", *SELECTED)
    project.run("run", *SELECTED)
    incremental = project.rows("from fct_sessions order by all")
    assert len(incremental) == 3
    assert project.rows(
        """select rows_read, rows_accepted, rows_duplicate, is_balanced from event_reconciliation
        order by source"""
    ) == [(2, 2, 0, True), (3, 1, 2, True)]
    project.run("run", "--empty", *SELECTED, full_refresh=True)
    project.run("run", *SELECTED)
    assert project.rows("from fct_sessions order by all") == incremental


@pytest.mark.parametrize("loaded_at", [None, "loaded_at"])
def test_a_run_with_empty_loses_nothing_of_a_relation(loaded_at, alike, tmp_path):
    path = write_events(tmp_path / "a.csv", EVENTS)
    project = alike(events_relation="raw.events", events_loaded_at=loaded_at)
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create schema raw")
        connection.execute(
            f"""create table raw.events as
            select *, timestamp '2025-06-01' as loaded_at from read_csv('{path}')"""
        )
    for _ in range(2):
        project.run("run", "--empty", *SELECTED)
        project.run("run", *SELECTED)
        assert project.row("select count(*), sum(event_count) from fct_sessions") == (2, 2)
        assert project.row(
            """select sum(rows_read), sum(rows_accepted), bool_and(is_balanced)
            from event_reconciliation"""
        ) == (2, 2, True)
