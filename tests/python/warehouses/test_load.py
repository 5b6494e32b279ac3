"""A table in a warehouse equals fct_watch_streams, for each order of arrival and after each kill.

Expected rows are written by hand, as (session, seconds of the stream, revision).
"""

import copy
import itertools
import json
import random
import re
import shutil
from datetime import timedelta
from functools import partial

import duckdb
import pytest
from support.heartbeats.messages import BASE, payload, time, write
from support.oracles.streams import MICRO, Message
from support.project import ROOT, Project
from support.warehouses.targets import KINDS, dwell, running

from dwell.cli.main import main
from dwell.publishing import ledger as ledgers
from dwell.warehouses import base, load

KILLED = "tests/python/support/killed/load.py"
ROWS = "select session_id, stream_duration, revision from {table}"
HISTORY = "select session_id, stream_duration, revision, is_retracted from {table}"


DAY = 86_400  # seconds
HOSTILE = (
    "'; drop table watch_streams; --",
    '"quoted", with\na line, a\ttab and \\N, \\., \\\\',
    "ключ 🎬 \u200b é e\u0301",
    "%s %(x)s {table} $1 ? @p :x",
    "NULL",
    "long" * 15_000,
    "a NUL \0 in it",
)
# {story: [what lands one after another]}: [(session, second), ...] and the watermark, both in
# seconds after 2025-03-18 20:00 UTC
STORIES = {
    "an hour": [
        (
            [
                *[("late", 0), ("late", 30), ("two", 0), ("two", 30), ("two", 130)],
                *[("on", 430), ("stays", 10), ("stays", 20)],
            ],
            500,
        ),
        # one extends a stream, one merges two, one makes a stream ongoing again
        ([("late", 50), ("two", 80), ("on", 490)], 501),
        # it ends, because it has been silent for more than 60 s by then
        ([], 551),
    ],
    "days": [
        ([("one", 0), ("two", DAY), ("three", 2 * DAY)], 3 * DAY),
        ([("one", 30), ("two", DAY + 30), ("three", 2 * DAY + 30)], 3 * DAY + 1),
    ],
    "hostile": [([(text, 0) for text in HOSTILE], 500)],
}
AT_FIRST = [("late", 30, 1), ("on", 0, 1), ("stays", 20, 1), ("two", 0, 1), ("two", 30, 1)]
CORRECTED = [("late", 50, 2), ("stays", 20, 1), ("two", 130, 2)]
AT_THE_END = [("late", 50, 2), ("on", 60, 3), ("stays", 20, 1), ("two", 130, 2)]


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """{story: [a database as dbt left it after each landing]}; and after a full refresh."""
    folder = tmp_path_factory.mktemp("stories")
    landing = folder / "landing"
    project = Project(folder, heartbeats_path=f"{landing}/*.parquet")
    built = {}
    for story, landings in STORIES.items():
        shutil.rmtree(landing, ignore_errors=True)
        landing.mkdir()
        project.database.unlink(missing_ok=True)
        offsets, built[story] = itertools.count(), []

        def beat_of(session, second, offsets=offsets):
            key = (session, session, "tv", "p", BASE)
            # received later than every event time
            return Message(
                0,
                offset := next(offsets),
                BASE + 10**6 * MICRO + offset,
                key,
                BASE + second * MICRO,
            )

        for number, (beats, watermark) in enumerate(landings):
            messages = [beat_of(*beat) for beat in [*beats, ("watermark", watermark)]]
            draw = random.Random(1)
            payloads = {m: payload(m, draw) for m in messages}
            write(landing / f"{number}.parquet", messages, payloads)
            for how in ({}, {"full_refresh": True})[: 2 if number == len(landings) - 1 else 1]:
                project.run("run", "--select", "stg_watch__heartbeat_rows+", **how)
                kept = folder / f"{story} {len(built[story])}.duckdb"
                shutil.copy(project.database, kept)
                built[story].append(kept)
    return built


@pytest.fixture(scope="module", params=KINDS)
def target(request, tmp_path_factory):
    with running(request.param, tmp_path_factory.mktemp(request.param)) as target:
        yield target


class Scene:
    """A database at the steps of a story, and its loads into tables of a warehouse."""

    def __init__(self, folder, built, target, monkeypatch, capsys):
        # a test may change its environment
        self.built, self.target, self.capsys = built, copy.copy(target), capsys
        self.database = folder / "dwell.duckdb"
        self.set = monkeypatch.setenv

    def go_to(self, number, story="an hour"):
        """Replace the database by the one after a landing of the story."""
        shutil.copy(self.built[story][number], self.database)

    def load(self, *options, code=0):
        """Load in this process; return (inserted, updated, removed), or the message."""
        for name, value in self.target.environment.items():
            self.set(name, value)
        self.set("DWELL_DATABASE", str(self.database))
        self.capsys.readouterr()
        exit_code = main(["load", self.target.kind, *options])
        *_, line = self.capsys.readouterr().err.splitlines()
        record = json.loads(line)
        assert exit_code == code, record
        if code or "--check" in options:
            return record["message"]
        return record["inserted"], record["updated"], record["removed"]

    def rows(self, table, query=ROWS):
        """Return the rows of a table."""
        return self.target.rows(query.format(table=table))

    def ledger(self, table):
        """Return the file of a table's ledger."""
        return self.database.with_name(f"dwell-loaded-{self.target.kind}-{table}.duckdb")


@pytest.fixture
def scene(tmp_path, built, target, monkeypatch, capsys):
    return Scene(tmp_path, built, target, monkeypatch, capsys)


def test_the_table_follows_the_streams(scene, monkeypatch):
    # so that a load is of several batches
    monkeypatch.setattr(ledgers, "BATCH_ROWS", 2)
    table = scene.target.table()
    scene.go_to(0)
    assert scene.load("--table", table) == (5, 0, 0)
    assert scene.rows(table) == AT_FIRST
    loads = scene.target.rows(f"select * from {table}_loads")
    assert len(loads) == 3
    # again: nothing
    assert scene.load("--table", table) == (0, 0, 0)
    assert scene.target.rows(f"select * from {table}_loads") == loads
    assert "of each day: 5 streams" in scene.load("--table", table, "--check")
    scene.go_to(1)
    assert scene.load("--table", table) == (0, 2, 2)
    assert scene.rows(table) == CORRECTED
    scene.go_to(2)
    assert scene.load("--table", table) == (1, 0, 0)
    assert scene.rows(table) == AT_THE_END
    assert "has what fct_watch_streams has" in scene.load("--table", table, "--check")
    # after a full refresh: nothing
    scene.go_to(3)
    assert scene.load("--table", table) == (0, 0, 0)

    # every column of one, by hand
    ((*row, loaded_at),) = scene.target.rows(
        "select user_id, program_id, start_time, device, began_at, first_heartbeat_at, "
        f"last_heartbeat_at, heartbeats, loaded_at from {table} where session_id = 'late'"
    )
    start, last = time(BASE), time(BASE + 50 * MICRO)
    assert row == ["late", "p", start, "tv", start, start, last, 3]
    assert abs(loaded_at - base.utc_now()) < timedelta(minutes=5)


def test_append_keeps_every_revision_once(scene):
    table = scene.target.table("watch_stream_history")
    as_history = ("--mode", "append", "--table", table)
    scene.go_to(0)
    assert scene.load(*as_history) == (5, 0, 0)
    assert scene.load(*as_history) == (0, 0, 0)
    scene.go_to(1)
    assert scene.load(*as_history) == (4, 0, 0)
    first = [(*row, False) for row in AT_FIRST]
    corrections = [
        *[("late", 50, 2, False), ("on", 0, 2, True)],
        *[("two", 0, 2, True), ("two", 130, 2, False)],
    ]
    assert scene.rows(table, HISTORY) == sorted(first + corrections)
    message = scene.load(*as_history, "--check")
    assert "of each day: 3 streams on 1 day" in message
    if scene.target.kind in ("bigquery", "snowflake"):
        page = (ROOT / "docs" / "how-to" / "load.md").read_text()
        (query,) = re.findall(r"```\n(select \* from .*?)```", page, re.S)
        query = query.replace("*", "session_id, stream_duration, revision", 1)
        assert scene.rows(table, query.replace("watch_stream_history", "{table}")) == CORRECTED


def test_overwrite_replaces_days_and_no_others(scene):
    table = scene.target.table()
    by_days = ("--mode", "overwrite", "--table", table)
    scene.go_to(0, "days")
    assert scene.load(*by_days) == (3, 0, 0)
    everything = [("one", 0, 1), ("three", 0, 1), ("two", 0, 1)]
    assert scene.rows(table) == everything
    assert scene.load(*by_days) == (3, 0, 3)
    assert scene.rows(table) == everything
    scene.go_to(1, "days")
    # the second is of the 19th
    the_19th = ("--from", "2025-03-19", "--to", "2025-03-19")
    assert scene.load(*by_days, *the_19th) == (1, 0, 1)
    assert scene.rows(table) == [("one", 0, 1), ("three", 0, 1), ("two", 30, 1)]
    assert "has what fct_watch_streams has" in scene.load(*by_days, *the_19th, "--check")
    message = scene.load(*by_days, "--check", code=1)
    assert "2025-03-18: 1 stream, 1 heartbeat, 0.000000 s instead of 1 stream, 2 heart" in message
    assert "2025-03-20: 1 stream" in message and "2025-03-19" not in message
    assert scene.load(*by_days, "--from", "2025-03-20") == (1, 0, 1)
    assert scene.load(*by_days, "--to", "2025-03-18") == (1, 0, 1)
    assert scene.rows(table) == [("one", 30, 1), ("three", 30, 1), ("two", 30, 1)]
    # days without streams
    assert scene.load(*by_days, "--from", "2024-01-01", "--to", "2024-01-02") == (0, 0, 0)


@pytest.mark.parametrize(
    ("mode", "point"),
    [
        ("merge", "before the commit"),
        ("merge", "after the commit"),
        ("append", "before the commit"),
    ],
)
def test_killed_it_loads_each_batch_once(scene, mode, point):
    table = scene.target.table(base.TABLES[mode])
    options = ("load", scene.target.kind, "--table", table, "--mode", mode)
    run = partial(dwell, *options, target=scene.target, database=scene.database, script=KILLED)
    scene.go_to(0)
    code, message = run()
    assert code == 0, message
    scene.go_to(1)
    code, message = run(DIE_AT="batch published:1" if point == "after the commit" else "noted:1")
    assert code == -9, message
    batches = f"select batch, inserted, updated, removed from {table}_loads"
    both = [(1, 5, 0, 0), (2, 0, 2, 2) if mode == "merge" else (2, 4, 0, 0)]
    if point == "after the commit":
        assert scene.target.rows(batches) == both
    elif scene.target.kind != "bigquery":
        # there, the job continues by itself
        assert scene.target.rows(batches) == both[:1]
        assert scene.rows(table) == AT_FIRST
    with duckdb.connect(str(scene.ledger(table)), read_only=True) as connection:
        pending = "select batch from batches where published_at is null"
        assert connection.execute(pending).fetchall() == [(2,)]
    code, message = run()
    assert code == 0, message
    assert scene.target.rows(batches) == both
    if mode == "merge":
        assert scene.rows(table) == CORRECTED
    else:
        assert len(scene.rows(table)) == 9


def test_a_ledger_that_was_lost_is_rebuilt_from_the_table(scene):
    table = scene.target.table()
    scene.go_to(0)
    assert scene.load("--table", table) == (5, 0, 0)
    scene.ledger(table).unlink()
    message = scene.load("--table", table, code=2)
    assert "was loaded with another ledger" in message and "--adopt" in message
    scene.go_to(1)
    assert scene.load("--table", table, "--adopt") == (0, 2, 2)
    assert scene.rows(table) == CORRECTED
    assert scene.load("--table", table) == (0, 0, 0)


def test_a_ledger_that_was_lost_is_rebuilt_from_a_history(scene):
    table = scene.target.table("watch_stream_history")
    as_history = ("--mode", "append", "--table", table)
    scene.go_to(0)
    scene.load(*as_history)
    scene.go_to(1)
    scene.load(*as_history)
    scene.ledger(table).unlink()
    assert scene.load(*as_history, "--adopt") == (0, 0, 0)
    scene.go_to(2)
    assert scene.load(*as_history) == (1, 0, 0)
    assert ("on", 60, 3, False) in scene.rows(table, HISTORY)


def test_a_table_that_was_changed_is_found_and_fixed(scene):
    table = scene.target.table()
    scene.go_to(2)
    scene.load("--table", table)
    scene.target.query(f"delete from {table} where session_id = 'on'")
    message = scene.load("--table", table, "--check", code=1)
    # seconds by hand: 50 + 20 + 130 of 50 + 60 + 20 + 130
    assert "2025-03-18: 3 streams, 9 heartbeats, 200.000000 s instead of 4 streams, 11 h" in message
    assert scene.load("--table", table) == (0, 0, 0)
    assert scene.load("--table", table, "--adopt") == (1, 0, 0)
    assert "has what fct_watch_streams has" in scene.load("--table", table, "--check")


def test_a_row_that_was_changed_by_hand_is_replaced(scene):
    table = scene.target.table()
    scene.go_to(2)
    scene.load("--table", table)
    scene.target.query(f"update {table} set device = 'x' where session_id = 'on'")
    assert scene.load("--table", table, "--adopt") == (0, 1, 0)
    assert ("on", 60, 2) in scene.rows(table)
    found = scene.target.rows(f"select device from {table} where session_id = 'on'")
    assert ("x",) not in found and found


def test_a_table_is_loaded_in_one_mode(scene):
    table = scene.target.table()
    scene.go_to(0)
    scene.load("--table", table)
    message = scene.load("--table", table, "--mode", "overwrite", code=1)
    assert "is loaded with --mode merge: use that mode, or give another --table" in message
    assert scene.rows(table) == AT_FIRST


def test_rows_that_dwell_has_not_loaded_are_left_alone(scene):
    table = scene.target.table()
    scene.go_to(0)
    scene.load("--table", table)
    scene.target.query(f"drop table {table}_loads")
    message = scene.load("--table", table, "--adopt", code=1)
    assert "has rows, and there is no" in message and "empty the table" in message
    assert scene.rows(table) == AT_FIRST


def test_values_arrive_as_they_are(scene):
    table = scene.target.table()
    scene.go_to(0, "hostile")
    assert scene.load("--table", table) == (len(HOSTILE), 0, 0)
    found = scene.target.rows(f"select session_id, user_id from {table}")
    texts = HOSTILE
    if scene.target.kind in ("postgres", "redshift"):
        # they have no text with a NUL
        texts = [text.replace("\0", "\ufffd") for text in HOSTILE]
    assert found == sorted((text, text) for text in texts)


def test_a_wrong_name_of_a_table_is_refused(scene):
    scene.go_to(0)
    for name in ("a.b.c.d", "x; drop table y", 'x"y', "x`y", "", "."):
        assert "--table" in scene.load("--table", name, code=2)


def test_a_server_that_does_not_answer_is_an_error(scene, monkeypatch):
    scene.go_to(0)
    monkeypatch.setattr(
        f"dwell.warehouses.{scene.target.kind}.CONNECT_TIMEOUT_SECONDS", 1, raising=False
    )
    table = scene.target.table()
    elsewhere = {
        "postgres": {"PGPORT": "1"},
        "bigquery": {"BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:1"},
        "snowflake": {"SNOWFLAKE_PORT": "1"},
        "redshift": {"REDSHIFT_PORT": "1"},
    }[scene.target.kind]
    scene.target.environment = scene.target.environment | elsewhere
    message = scene.load("--table", table, code=1)
    assert f"{scene.target.kind} table {table} cannot be reached: " in message
    assert "docs/how-to/load.md lists the variables" in message
    message = scene.load("--table", table, "--check", code=1)
    assert "cannot be reached: " in message


WRONG = {
    "postgres": ({"PGPASSWORD": "wr0ng"}, "password authentication failed"),
    "redshift": ({"REDSHIFT_PASSWORD": "wr0ng"}, "password authentication failed"),
    "bigquery": (
        {"BIGQUERY_EMULATOR_HOST": "", "GOOGLE_APPLICATION_CREDENTIALS": "/missing.json"},
        "/missing.json was not found",
    ),
}


def test_a_user_that_the_server_refuses_is_an_error(scene):
    if scene.target.kind not in WRONG:
        pytest.skip("Snowflake's emulator accepts every user")
    scene.go_to(0)
    environment, expected = WRONG[scene.target.kind]
    scene.target.environment = scene.target.environment | environment
    message = scene.load("--table", scene.target.table(), code=1)
    assert expected in message and "wr0ng" not in message
    assert "Traceback" not in message


def test_two_processes_do_not_load_at_once(scene):
    table = scene.target.table()
    scene.go_to(0)
    with load.lock_ledger(scene.ledger(table)):
        assert "another process loads with" in scene.load("--table", table, code=1)
    assert scene.load("--table", table) == (5, 0, 0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--from", "2025-03-01"], "--from and --to go with --mode overwrite, or with --check"),
        (["--mode", "overwrite", "--adopt"], "--adopt goes with --mode merge or append"),
        (
            ["--mode", "overwrite", "--from", "2025-03-02", "--to", "2025-03-01"],
            "--from 2025-03-02 is after --to 2025-03-01",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(scene, options, expected):
    scene.go_to(0)
    assert expected in scene.load(*options, code=2)


def test_a_missing_database_is_an_error(scene):
    message = scene.load("--table", scene.target.table(), code=1)
    assert "there is no" in message and "build it first, with make" in message
