"""Settings that are wrong, contradict each other or have changed stop the run with an error."""

import json
import os
import re
import shutil
from math import nan

import duckdb
import pytest
import yaml
from dbt.cli.main import dbtRunner
from support.events import write_events
from support.project import ROOT, Project, release

from dev import settings_page
from dwell.dbt.runner import Dbt, as_parsed

ALL = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["dwell"]
# those of the heartbeats: tests/python/heartbeats/test_watch_sample.py
SETTINGS = {
    name: value for name, value in ALL.items() if not name.startswith(("heartbeats_", "watch_"))
}
EVENTS = [("view", "u1", "2025-01-01 10:00"), ("click", "u2", "2025-01-01 23:50")]


def sentence(output):
    """Return the error of a failed run; there is one, and it is dwell's."""
    found = set(re.findall(r"dwell: .*", output))
    assert len(found) == 1, output
    return found.pop()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Tables built with every setting as it comes, for a project that is parsed once."""
    folder = tmp_path_factory.mktemp("settings")
    write_events(folder / "a.csv", EVENTS)
    project = Project(folder, events_path=f"{folder}/a.csv")
    project.run("run", "--select", "+fct_sessions")
    return project


@pytest.fixture(scope="module")
def specification():
    return settings_page.specification()


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
        output = project.run(
            "run", "--select", "+fct_sessions", fails=fails, full_refresh=full_refresh
        )
        return sentence(output) if fails else output
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
# where rows come from, and which are read now: stored rows do not depend on it
INPUT = {"events_path", "events_relation", "events_loaded_at", "load_settle_seconds"}
INPUT |= {"max_rejected_ratio", "pseudonym_key_file"}


def test_these_tests_know_every_setting():
    assert WRONG.keys() == SETTINGS.keys()
    assert OTHER.keys() == SETTINGS.keys() - INPUT


def test_the_specification_has_the_settings_of_the_project_in_their_order(specification):
    assert list(specification) == list(ALL)


def test_the_page_of_settings_is_what_the_specification_yields(specification):
    written = settings_page.PAGE.read_text()
    assert written == settings_page.page(specification), "run python dev/settings_page.py"
    assert all(f"\n### {name}\n" in written for name in ALL)


def test_a_full_refresh_is_asked_for_where_the_page_has_it(specification):
    """The page follows the specification; OTHER is what runs do."""
    events = {name for name, rule in specification.items() if "events" in rule["full_refresh"]}
    assert events == OTHER.keys() | {"events_relation", "events_loaded_at"}


@pytest.mark.parametrize("kind", ["path", "relation"])
def test_the_examples_are_right(kind, specification, built):
    settings = {
        name: yaml.safe_load(rule["example"])
        for name, rule in specification.items()
        if kind == "path" or not name.endswith("_path")
    }
    if kind == "path":
        settings = {
            n: v for n, v in settings.items() if "_relation" not in n and "_loaded" not in n
        }
    before, built.settings = built.settings, json.loads(json.dumps(settings, default=str))
    names = ("check_setting_values", "check_zones", "check_watch_as_of")
    checks = " ".join(f"{{{{ dwell.{name}() if execute }}}}" for name in names)
    try:
        built.run("compile", "--inline", checks)
    finally:
        built.settings = before


def test_an_unknown_setting_is_refused_with_those_that_it_may_mean(built):
    suggested = {
        "sesion_timeout_minutes": "session_timeout_minutes",
        "session_timeout": "session_timeout_minutes",
        "session-timeout-minutes": "session_timeout_minutes",
        "timeout_minutes": "session_timeout_minutes",
        "SESSION_KEY": "session_key",
        "timezone": "source_timezone or reporting_timezone",
        "time_zone": "source_timezone",
        "event_path": "events_path",
        "max_session_hours": "session_max_hours",
    }
    for name, meant in suggested.items():
        assert run(built, fails=True, **{name: 30}) == (
            f"dwell: there is no setting {name}. Did you mean {meant}? "
            "docs/reference/settings.md describes them."
        )


def test_an_unknown_setting_like_no_other_is_refused_with_all_names(built):
    assert run(built, fails=True, zzz=1) == (
        f"dwell: there is no setting zzz. The settings are {', '.join(ALL)}. "
        "docs/reference/settings.md describes them."
    )


def test_a_setting_is_not_given_under_the_name_of_the_package(built):
    error = run(built, fails=True, dwell={"session_timeout_minutes": 20})
    assert error.startswith("dwell: --vars takes a setting by its name alone")


@pytest.mark.parametrize("name", ["main", "Temp", "o'brien", 'a"b'])
def test_a_file_by_which_duckdb_cannot_call_a_database_is_refused(tmp_path, name):
    dwell = Dbt(tmp_path / f"{name}.duckdb", tmp_path, {})
    with pytest.raises(Exception, match=f"dwell: the database file must not be called {name}:"):
        dwell.manifest()
    assert not dwell.database.exists()


@pytest.mark.parametrize("name", WRONG)
def test_a_value_of_the_wrong_kind_is_refused_with_the_name_of_its_setting(name, built):
    before = contents(built)
    for value in WRONG[name]:
        given = {"events_path": "leave out"} if name == "events_relation" else {}
        if name == "events_loaded_at":
            given = {"events_path": "leave out", "events_relation": "raw.events"}
        error = run(built, fails=True, **{**given, name: value})
        assert name in error and "were built with" not in error, (value, error)
    assert contents(built) == before


# by hand: an error of each type in the specification, and of the checks that are not generic
EXAMPLE = " Example: --vars '{%s}'."
ERRORS = {
    # number
    'session_timeout_minutes: "abc"': 'session_timeout_minutes must be a number from 0.001 to '
    '1440, not "abc".' + EXAMPLE % "session_timeout_minutes: 20",
    "session_timeout_minutes: 0": "session_timeout_minutes must be a number from 0.001 to 1440, "
    "not 0." + EXAMPLE % "session_timeout_minutes: 20",
    "session_max_hours: true": "session_max_hours must be null or a number from 0.001 to 87600, "
    "not true." + EXAMPLE % "session_max_hours: 12",
    "load_settle_seconds: null": "load_settle_seconds must be a number from 0 to 86400, not null."
    + EXAMPLE % "load_settle_seconds: 300",
    # integer
    "heartbeats_max_messages_per_run: 1.5": "heartbeats_max_messages_per_run must be null or a "
    "whole number from 1 to 1000000000000, not 1.5."
    + EXAMPLE % "heartbeats_max_messages_per_run: 5000000",
    # boolean
    "drop_exact_duplicates: 0": "drop_exact_duplicates must be true or false, not 0."
    + EXAMPLE % "drop_exact_duplicates: false",
    "pseudonymize_user_ids: 'yes'": 'pseudonymize_user_ids must be true or false, not "yes".'
    + EXAMPLE % "pseudonymize_user_ids: true",
    # choice
    "heartbeats_format: xlsx": "heartbeats_format must be null or one of csv, json, parquet, "
    'not "xlsx".' + EXAMPLE % "heartbeats_format: csv",
    # text
    "pseudonym_key_file: ' '": 'pseudonym_key_file must be null or the path of a file, not " ".'
    + EXAMPLE % "pseudonym_key_file: dwell.key",
    "{events_path: leave out, events_relation: raw.events, events_loaded_at: 5}": "events_loaded"
    "_at must be null or the name of a column, not 5." + EXAMPLE % "events_loaded_at: loaded_at",
    # date
    "earliest_event_date: '2025-02-29'": "earliest_event_date must be a date, 1973-01-01 or later, "
    'not "2025-02-29". Before 1973, some time zones had offsets with seconds, and dwell counts '
    "days in minutes." + EXAMPLE % "earliest_event_date: 2020-01-01",
    # time
    "events_received_at: '2025-07-01T12:00:00'": "events_received_at must be null or a time in "
    'UTC, in quotes, not "2025-07-01T12:00:00".'
    + EXAMPLE % 'events_received_at: "2025-07-01 12:00:00"',
    # time zone: by its form, and by what the engine knows
    "source_timezone: BST": "source_timezone must be a time zone by its name, as in Europe/Berlin "
    'or UTC, not "BST". An abbreviation such as BST means several zones. A fixed offset of +02:00 '
    "is called Etc/GMT-2, with the opposite sign." + EXAMPLE % "source_timezone: Europe/Berlin",
    "reporting_timezone: Mars/Phobos": "reporting_timezone must be a time zone by its name, as in "
    'Europe/Berlin or UTC, not "Mars/Phobos". An abbreviation such as BST means several zones. A '
    "fixed offset of +02:00 is called Etc/GMT-2, with the opposite sign."
    + EXAMPLE % "reporting_timezone: Europe/Berlin",
    # time format
    "event_time_format: epoch": "event_time_format must be one of auto, iso, excel, epoch_seconds, "
    "epoch_milliseconds, epoch_microseconds, epoch_nanoseconds, or a format as in "
    '"%d/%m/%Y %H:%M", not "epoch".' + EXAMPLE % 'event_time_format: "%d/%m/%Y %H:%M"',
    "event_time_format: '%H:%M'": "event_time_format %H:%M is no format of a time with its day. It "
    "may have %Y %y %m %b %B %d %j %a %A %H %I %p %M %S %g (milliseconds) %f (microseconds) "
    "%n (nanoseconds) %z (an offset), and - after % for a number without leading zeros."
    + EXAMPLE % 'event_time_format: "%d/%m/%Y %H:%M"',
    # relation
    "{events_path: leave out, events_relation: a.b.c.d}": "events_relation must be null or "
    "schema.table, database.schema.table, ref('model'), or source('source', 'table'), not "
    '"a.b.c.d". Write names without quotes. A path of a file belongs in the setting that ends in '
    "_path." + EXAMPLE % "events_relation: raw.events",
    # mapping, and options of one
    "events_columns: [user_id]": "events_columns must be a mapping, not ['user_id']. A column is a "
    "name; a list of names, of which the first that a file has counts; {value: ...} for the same "
    "value in all rows; or null." + EXAMPLE % "events_columns: {user_id: customer, client: null}",
    "events_csv: {sep: ','}": "events_csv must be a mapping that may have delim, encoding, header, "
    "names, skip, not {'sep': ','}." + EXAMPLE % "events_csv: {delim: ;, skip: 2}",
    "events_csv: {delim: ;;}": "delim in events_csv must be one character, and no quotation mark, "
    'not ";;".' + EXAMPLE % "events_csv: {delim: ;, skip: 2}",
    "events_csv: {encoding: cp1252}": "encoding in events_csv must be one of utf-8, utf-16, "
    'latin-1, not "cp1252". Convert others, as in iconv -f cp1252 -t utf-8.'
    + EXAMPLE % "events_csv: {delim: ;, skip: 2}",
    "events_csv: {names: [a, A]}": "names in events_csv must be a list of different names, one for "
    "each column, not ['a', 'A']." + EXAMPLE % "events_csv: {delim: ;, skip: 2}",
    "heartbeats_json: {rows: 5}": "rows in heartbeats_json must be a key, or a path as in "
    "data.rows, not 5."
    + EXAMPLE % "heartbeats_json: {rows: data.rows}",
    "events_csv: {names: [a], header: true}": "events_csv has names for columns, and header: true, "
    "which takes them from the files. Keep one; skip: 1 skips a header."
    + EXAMPLE % "events_csv: {delim: ;, skip: 2}",
    "events_columns: {users: u}": "events_columns maps users, which is no column of dwell. The "
    "columns are event_name, user_id, app_version, event_time, device_id, client, and event_id for "
    "an id of the event." + EXAMPLE % "events_columns: {user_id: customer, client: null}",
    "heartbeats_columns: {device: null}": "heartbeats_columns maps device to null, and heartbeats "
    "need it. Name the column of the input."
    + EXAMPLE % "heartbeats_columns: {user_id: viewer, device: player}",
    # list of text
    "null_values: 'NULL'": 'null_values must be a list of texts, not "NULL".'
    + EXAMPLE % 'null_values: ["NULL", "-"]',
    "ignored_events: [view, null]": "ignored_events must be an event name or a list of them, not "
    "['view', None]." + EXAMPLE % "ignored_events: [push_received]",
    "session_key: [user_id, client]": "session_key must be [user_id, device_id], [user_id], or "
    "[device_id], not ['user_id', 'client']." + EXAMPLE % "session_key: [user_id]",
    "session_key: [user_id, user_id]": "session_key must be [user_id, device_id], [user_id], or "
    "[device_id], not ['user_id', 'user_id']." + EXAMPLE % "session_key: [user_id]",
    "events_path: []": "events_path must be null or a path, a glob, or a list of them, not []."
    + EXAMPLE % "events_path: data/*.csv",
    # what the engine knows
    "watch_as_of: soon": 'watch_as_of must be null or a time in ISO 8601, not "soon".'
    + EXAMPLE % 'watch_as_of: "2025-03-18T21:00:00Z"',
    "watch_as_of: 5": "watch_as_of must be null or a time in ISO 8601, not 5."
    + EXAMPLE % 'watch_as_of: "2025-03-18T21:00:00Z"',
    # contradictions
    "{session_start_events: [view], ignored_events: [' View']}": "view is in session_start_events "
    "and in ignored_events: it cannot both start a session and be no activity. Remove it from one "
    "of them.",
    "events_relation: raw.events": "events_path and events_relation are both set. Keep one of "
    "them: events come from files or from a relation.",
    "pseudonymize_user_ids: true": "pseudonymize_user_ids needs a secret key: name a file with 16 "
    "characters or more in pseudonym_key_file." + EXAMPLE % "pseudonym_key_file: dwell.key",
    "{pseudonymize_user_ids: true, pseudonym_key_file: /none}": "pseudonym_key_file must be the "
    'path of a file with a key of 16 characters or more, not "/none". Write one, as in '
    "openssl rand -hex 32 > dwell.key.",
}  # fmt: skip


@pytest.mark.parametrize("given", ERRORS)
def test_an_error_has_what_is_wrong_the_value_and_an_example(given, built):
    settings = yaml.safe_load(given if given.startswith("{") else f"{{{given}}}")
    assert run(built, fails=True, **settings) == f"dwell: {ERRORS[given]}"


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
def test_settings_that_contradict_each_other_are_refused(settings, names, built):
    error = run(built, fails=True, **settings)
    assert all(name in error for name in names), error
    assert "were built with" not in error


@pytest.mark.parametrize("name", OTHER)
def test_a_setting_that_has_changed_needs_a_full_refresh(name, built, alike):
    (built.folder / "key").write_text("a key of 16 characters or more")
    built.settings["pseudonym_key_file"] = f"{built.folder}/key"
    before = contents(built)
    error = run(built, fails=True, **{name: OTHER[name]})
    assert error.startswith("dwell: the tables were built with other settings: ")
    if name == "session_key":
        assert 'session_key was ["device_id", "user_id"] and is ["device_id"]' in error
    else:
        assert f"{name} was {json.dumps(SETTINGS[name])} and is {json.dumps(OTHER[name])}" in error
    assert "--full-refresh" in error
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
        error = run(project, fails=True, **settings)
        assert f"{name} was" in error and value in error
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


def from_the_command_line(project, settings):
    """Run with settings in YAML, which may be none that JSON knows."""
    os.environ["DWELL_DATABASE"] = str(project.database)
    paths = ["--target-path", f"{project.folder}/target", "--log-path", f"{project.folder}/logs"]
    paths += ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT)]
    arguments = ["--quiet", "run", "--select", "+fct_sessions", *paths, "--vars", settings]
    result = dbtRunner(manifest=as_parsed(project.manifest())).invoke(arguments)
    release()
    return result


def test_a_date_in_yaml_needs_no_quotes(alike, tmp_path):
    path = write_events(tmp_path / "a.csv", EVENTS)
    project = alike(events_path=str(path), earliest_event_date="2025-01-01")
    run(project)
    settings = f"{{events_path: {path}, earliest_event_date: 2025-01-01}}"
    again = from_the_command_line(project, settings)
    assert again.success, again.exception


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ("{max_rejected_ratio: .nan}", "max_rejected_ratio must be a number from 0 to 1, not NaN."),
        ("{session_max_hours: .inf}", "a number from 0.001 to 87600, not Infinity."),
        ("{events_received_at: 2025-07-01 12:00:00}", "in quotes, not 2025-07-01 12:00:00."),
        ("{earliest_event_date: 1972-12-31}", "1973-01-01 or later, not 1972-12-31."),
        (
            "{events_columns: {user_id: 2025-01-01}}",
            "events_columns maps user_id to 2025-01-01, which names no column.",
        ),
    ],
)
def test_values_that_json_has_not_are_refused_too(settings, error, built):
    assert error in sentence(str(from_the_command_line(built, settings).exception))


@pytest.mark.parametrize("value", [[30], "abc"])
@pytest.mark.parametrize("name", ["session_timeout_minutes", "session_max_hours", "session_key"])
def test_a_wrong_value_is_refused_where_the_project_is_parsed_with_it(
    name, value, project, monkeypatch
):
    """Models compute with settings while dbt parses them; above, it parsed right ones."""
    monkeypatch.setattr("support.project.MANIFESTS", {})
    error = project(**{name: value}).run("run", fails=True)
    assert f"dwell: {name} must be" in error


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
