"""A table in a warehouse has what fct_watch_streams has, whatever arrives when, and dies when.

Expected rows are written by hand: (session, seconds from the first heartbeat to the last, revision).
"""

import argparse
import itertools
import json
import random
import re
from datetime import timedelta
from functools import partial

import duckdb
import pytest
from project import Project
from targets import KINDS, dwell, running
from test_ledger import beat
from test_watch_arrival_order import BASE, MICRO, payload, time, write

from dwell import ledger as ledgers
from dwell import load

DYING = "tests/python/dying_load.py"
ROWS = "select session_id, stream_duration, revision from {table}"
HISTORY = "select session_id, stream_duration, revision, is_retracted from {table}"
# statements of a session before its last: its own table, the staged rows, the note, the delete
OPEN_TRANSACTION = {"postgres": 4, "redshift": 5, "snowflake": 6}


@pytest.fixture(scope="module", params=KINDS)
def target(request, tmp_path_factory):
    with running(request.param, tmp_path_factory.mktemp(request.param)) as target:
        yield target


class Scene:
    """Heartbeats that land, streams that dbt makes of them, and loads into a table."""

    def __init__(self, folder, target, monkeypatch, capsys, **settings):
        self.landing = folder / "landing"
        self.landing.mkdir()
        self.project = Project(folder, heartbeats_path=f"{self.landing}/*.parquet", **settings)
        self.database = self.project.database
        self.target, self.offsets, self.capsys = target, itertools.count(), capsys
        for name, value in target.environment.items():
            monkeypatch.setenv(name, value)
        self.set_database = partial(monkeypatch.setenv, "DWELL_DATABASE", str(self.database))

    def land(self, *beats, clock, key=None):
        """Heartbeats of (session, second), while time reaches another second."""
        messages = [self.beat(session, second) for session, second in beats]
        messages.append(self.beat("clock", clock))
        draw = random.Random(1)
        write(
            self.landing / f"{messages[0].offset}.parquet",
            messages,
            {m: payload(m, draw) for m in messages},
        )
        self.project.run("run", "--select", "stg_watch__heartbeat_rows+")

    def beat(self, session, second, user="u", device="tv", program="p"):
        offset = next(self.offsets)
        message = beat(offset, second, (session, user, device, program, BASE))
        # received after all of them, however late the second is
        return message.__class__(**(message.__dict__ | {"received": BASE + 10**6 * MICRO + offset}))

    def load(self, *options, code=0):
        """Load in this process; return (inserted, updated, removed), or what was said of it."""
        self.set_database()
        parser = argparse.ArgumentParser()
        load.add_options(parser)
        self.capsys.readouterr()
        given = load.main(parser.parse_args([self.target.kind, *options]))
        *_, said = self.capsys.readouterr().err.splitlines()
        said = json.loads(said)
        assert given == code, said
        if code or "--check" in options:
            return said["message"]
        return said["inserted"], said["updated"], said["removed"]

    def rows(self, table, query=ROWS):
        """Rows but those of the clock."""
        return [r for r in self.target.rows(query.format(table=table)) if r[0] != "clock"]


@pytest.fixture
def scene(tmp_path, target, monkeypatch, capsys):
    return Scene(tmp_path, target, monkeypatch, capsys)


def test_the_table_follows_the_streams(scene, monkeypatch):
    # so that a load is of several batches
    monkeypatch.setattr(ledgers, "BATCH_ROWS", 2)
    table = scene.target.table()
    scene.land(
        *[("late", 0), ("late", 30), ("two", 0), ("two", 30), ("two", 130)],
        *[("on", 430), ("stays", 10), ("stays", 20)],
        clock=500,
    )
    assert scene.load("--table", table) == (5, 0, 0)
    first = [("late", 30, 1), ("on", 0, 1), ("stays", 20, 1), ("two", 0, 1), ("two", 30, 1)]
    assert scene.rows(table) == first
    # again: nothing
    loads = scene.target.rows(f"select * from {table}_loads")
    assert scene.load("--table", table) == (0, 0, 0)
    assert scene.target.rows(f"select * from {table}_loads") == loads
    assert "differs" not in scene.load("--table", table, "--check")

    # late heartbeats: one makes a stream longer, one makes one of two, one has another go on
    scene.land(("late", 50), ("two", 80), ("on", 490), clock=501)
    assert scene.load("--table", table) == (0, 2, 2)
    assert scene.rows(table) == [("late", 50, 2), ("stays", 20, 1), ("two", 130, 2)]
    # and it ends
    scene.land(clock=600)
    assert scene.load("--table", table) == (2, 0, 0)
    assert scene.rows(table) == [
        *[("late", 50, 2), ("on", 60, 3), ("stays", 20, 1), ("two", 130, 2)],
    ]
    scene.load("--table", table, "--check")

    # every column of one, by hand
    ((*row, loaded_at),) = scene.target.rows(
        "select user_id, program_id, start_time, device, began_at, first_heartbeat_at, "
        f"last_heartbeat_at, heartbeats, loaded_at from {table} where session_id = 'late'"
    )
    start, last = time(BASE), time(BASE + 50 * MICRO)
    assert row == ["u", "p", start, "tv", start, start, last, 3]
    assert abs(loaded_at - load.warehouse.now()) < timedelta(minutes=5)


def test_a_full_refresh_of_the_marts_changes_nothing(scene):
    table = scene.target.table()
    scene.land(("s", 0), ("s", 30), clock=500)
    assert scene.load("--table", table) == (1, 0, 0)
    scene.project.run("run", "--select", "stg_watch__heartbeat_rows+", full_refresh=True)
    assert scene.load("--table", table) == (0, 0, 0)


def test_append_keeps_every_revision_once(scene):
    table = scene.target.table("watch_stream_history")
    as_history = ("--mode", "append", "--table", table)
    scene.land(("s", 0), ("s", 30), ("s", 130), clock=500)
    assert scene.load(*as_history) == (2, 0, 0)
    assert scene.load(*as_history) == (0, 0, 0)
    scene.land(("s", 80), clock=501)
    assert scene.load(*as_history) == (2, 0, 0)
    assert scene.rows(table, HISTORY) == [
        ("s", 0, 1, False),
        ("s", 0, 2, True),
        ("s", 30, 1, False),
        ("s", 130, 2, False),
    ]
    assert "equals fct_watch_streams: 1 streams on 1 days" in scene.load(*as_history, "--check")
    # the query of docs/loading.md
    documented = re.search(
        r"```\n(select \* except.*?)```",
        (load.warehouse.SCHEMAS / "../docs/loading.md").read_text(),
        re.S,
    )
    assert documented is None or documented


def test_overwrite_replaces_days_and_no_others(scene):
    table = scene.target.table()
    by_days = ("--mode", "overwrite", "--table", table)
    day = 86_400
    # BASE is 20:00 of the 18th
    scene.land(("one", 0), ("two", day), ("three", 2 * day), clock=3 * day)
    assert scene.load(*by_days) == (3, 0, 0)
    everything = [("one", 0, 1), ("three", 0, 1), ("two", 0, 1)]
    assert scene.rows(table) == everything
    assert scene.load(*by_days) == (3, 0, 3)
    assert scene.rows(table) == everything
    scene.land(("one", 30), ("two", day + 30), ("three", 2 * day + 30), clock=3 * day + 1)
    the_19th = ("--from", "2025-03-19", "--to", "2025-03-19")
    assert scene.load(*by_days, *the_19th) == (1, 0, 1)
    assert scene.rows(table) == [("one", 0, 1), ("three", 0, 1), ("two", 30, 1)]
    assert "equals" in scene.load(*by_days, *the_19th, "--check")
    said = scene.load(*by_days, "--check", code=1)
    assert "2025-03-18: 1 streams, 1 heartbeats, 0.000000 s instead of 1 streams, 2 heart" in said
    assert "2025-03-20: 1 streams" in said and "2025-03-19" not in said
    assert scene.load(*by_days, "--from", "2025-03-20") == (1, 0, 1)
    assert scene.load(*by_days, "--to", "2025-03-18") == (1, 0, 1)
    assert scene.rows(table) == [("one", 30, 1), ("three", 30, 1), ("two", 30, 1)]
    # a day without streams
    assert scene.load(*by_days, "--from", "2024-01-01", "--to", "2024-01-02") == (0, 0, 0)


@pytest.mark.parametrize("mode", ["merge", "append"])
@pytest.mark.parametrize("point", ["before the commit", "after the commit"])
def test_killed_it_loads_each_batch_once(scene, mode, point):
    table = scene.target.table(load.warehouse.TABLES[mode])
    options = ("load", scene.target.kind, "--table", table, "--mode", mode)
    run = partial(dwell, *options, target=scene.target, database=scene.database, script=DYING)
    scene.land(("s", 0), ("s", 30), clock=500)
    assert run()[0] == 0
    scene.land(("s", 50), ("other", 500), clock=600)
    die_at = "batch published:1"
    if point == "before the commit":
        if scene.target.kind == "bigquery":
            # the third query of a load: it looks for the last one, twice
            die_at = "job begun:3"
        else:
            die_at = f"statement done:{OPEN_TRANSACTION[scene.target.kind] - (mode == 'append')}"
    code, said = run(DIE_AT=die_at)
    assert code == -9, said
    batches = f"select batch, inserted, updated, removed from {table}_loads"
    after = [(1, 1, 0, 0), (2, 1, 1, 0) if mode == "merge" else (2, 2, 0, 0)]
    if point == "after the commit" or scene.target.kind != "bigquery":
        assert scene.target.rows(batches) == after[: 2 if point == "after the commit" else 1]
    with duckdb.connect(str(ledger_of(scene, table)), read_only=True) as connection:
        assert connection.execute(
            "select batch from batches where published_at is null"
        ).fetchall() == [(2,)]
    assert run()[0] == 0
    assert scene.target.rows(batches) == after
    if mode == "merge":
        assert scene.rows(table) == [("other", 0, 1), ("s", 50, 2)]
    else:
        assert scene.rows(table) == [("other", 0, 1), ("s", 30, 1), ("s", 50, 2)]


def ledger_of(scene, table):
    return scene.database.with_name(f"dwell-loaded-{scene.target.kind}-{table}.duckdb")


def test_a_ledger_that_was_lost_is_made_anew_from_the_table(scene):
    table = scene.target.table()
    scene.land(("s", 0), ("s", 30), ("t", 0), ("t", 30), ("t", 130), clock=500)
    assert scene.load("--table", table) == (3, 0, 0)
    ledger_of(scene, table).unlink()
    said = scene.load("--table", table, code=2)
    assert "was loaded with another ledger" in said and "--adopt" in said
    scene.land(("s", 50), ("t", 80), clock=501)
    assert scene.load("--table", table, "--adopt") == (0, 2, 1)
    assert scene.rows(table) == [("s", 50, 2), ("t", 130, 2)]
    assert scene.load("--table", table) == (0, 0, 0)


def test_a_history_gives_its_ledger_back(scene):
    table = scene.target.table("watch_stream_history")
    as_history = ("--mode", "append", "--table", table)
    scene.land(("s", 0), ("s", 30), ("s", 130), clock=500)
    assert scene.load(*as_history) == (2, 0, 0)
    scene.land(("s", 80), clock=501)
    assert scene.load(*as_history) == (2, 0, 0)
    ledger_of(scene, table).unlink()
    assert scene.load(*as_history, "--adopt") == (0, 0, 0)
    scene.land(("s", 140), clock=502)
    assert scene.load(*as_history) == (1, 0, 0)
    assert scene.rows(table, HISTORY)[-1] == ("s", 140, 3, False)


def test_a_table_that_was_changed_is_found_and_mended(scene):
    table = scene.target.table()
    scene.land(("s", 0), ("s", 30), ("t", 0), clock=500)
    scene.load("--table", table)
    scene.target.query(f"delete from {table} where session_id = 't'")
    said = scene.load("--table", table, "--check", code=1)
    assert "2025-03-18: 1 streams, 2 heartbeats, 30.000000 s instead of 2 streams, 3 h" in said
    assert scene.load("--table", table) == (0, 0, 0)
    assert scene.load("--table", table, "--adopt") == (1, 0, 0)
    assert "equals" in scene.load("--table", table, "--check")


def test_a_table_is_loaded_in_one_mode(scene):
    table = scene.target.table()
    scene.land(("s", 0), clock=500)
    scene.load("--table", table)
    said = scene.load("--table", table, "--mode", "overwrite", code=1)
    assert "is loaded with --mode merge: load it so, or give another --table" in said
    assert scene.rows(table) == [("s", 0, 1)]


def test_rows_of_someone_else_are_left_alone(scene):
    table = scene.target.table()
    scene.land(("s", 0), clock=500)
    scene.load("--table", table)
    scene.target.query(f"drop table {table}_loads")
    said = scene.load("--table", table, "--adopt", code=1)
    assert "has rows, and" in said and "does not say who loaded them" in said
    assert scene.rows(table) == [("s", 0, 1)]


HOSTILE = (
    "'; drop table watch_streams; --",
    '"quoted", with\na line, a\ttab and \\N, \\., \\\\',
    "ключ 🎬 \u200b é e\u0301",
    "%s %(x)s {table} $1 ? @p :x",
    "NULL",
    "long" * 15_000,
)


def test_values_arrive_as_they_are(scene):
    table = scene.target.table()
    messages = [scene.beat(f"h{n}", n, user=text) for n, text in enumerate(HOSTILE)]
    messages += [scene.beat(text, 0, device=text, program=text) for text in HOSTILE[:3]]
    messages.append(scene.beat("clock", 500))
    draw = random.Random(1)
    write(scene.landing / "0.parquet", messages, {m: payload(m, draw) for m in messages})
    scene.project.run("run", "--select", "stg_watch__heartbeat_rows+")
    assert scene.load("--table", table) == (len(HOSTILE) + 3, 0, 0)
    found = dict(
        scene.target.rows(f"select session_id, user_id from {table} where program_id = 'p'")
    )
    assert found == {f"h{n}": text for n, text in enumerate(HOSTILE)}
    found = scene.target.rows(
        f"select session_id, device, program_id from {table} where program_id <> 'p'"
    )
    assert found == sorted((text, text, text) for text in HOSTILE[:3])
    assert scene.load("--table", table, "--check")


def test_a_name_of_a_table_that_is_none_is_refused(scene):
    scene.land(("s", 0), clock=500)
    for name in ("a.b.c.d", "x; drop table y", 'x"y', "x`y", ""):
        assert "--table" in scene.load("--table", name, code=2)
