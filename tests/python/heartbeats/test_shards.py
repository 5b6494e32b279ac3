"""Several databases load into one table, each as a shard, and the table is what all of them have.

Expected rows are written by hand, as (shard, session, seconds of the stream).
"""

import copy
import json
import shutil
from datetime import timedelta

import pytest
from support.kafka.streams_database import NOON, Stream, add, build
from support.warehouses.targets import KINDS, dwell, running

from dwell.cli.main import main
from dwell.report.formatting import counted

DYING = "tests/python/support/killed/load.py"
ROWS = "select shard, session_id, stream_duration from {table}"
TOMORROW = NOON + timedelta(days=1)


@pytest.fixture(scope="module", params=KINDS)
def target(request, tmp_path_factory):
    with running(request.param, tmp_path_factory.mktemp(request.param)) as target:
        yield target


class Shards:
    """Databases by the name of their shard, and loads of them into one table."""

    def __init__(self, folder, target, monkeypatch, capsys):
        self.folder, self.target, self.capsys = folder, copy.copy(target), capsys
        self.set = monkeypatch.setenv
        self.table = None

    def database(self, shard):
        return self.folder / f"{shard}.duckdb"

    def ledger(self, shard):
        name = f"{shard}-loaded-{self.target.kind}-{self.table}.duckdb"
        return self.database(shard).with_name(name)

    def load(self, shard, *options, as_shard=None, code=0):
        """Load in this process; return (inserted, updated, removed), or the message."""
        for name, value in self.target.environment.items():
            self.set(name, value)
        self.set("DWELL_DATABASE", str(self.database(shard)))
        self.capsys.readouterr()
        words = [self.target.kind, "--table", self.table, "--shard", as_shard or shard, *options]
        exit_code = main(["load", *words])
        last = json.loads(self.capsys.readouterr().err.splitlines()[-1])
        assert exit_code == code, last
        if code or "--check" in options:
            return last["message"]
        return last["inserted"], last["updated"], last["removed"]

    def rows(self):
        return self.target.rows(ROWS.format(table=self.table))


@pytest.fixture
def shards(tmp_path, target, monkeypatch, capsys):
    shards = Shards(tmp_path, target, monkeypatch, capsys)
    build(shards.database("eu"), [Stream("e1"), Stream("e2")], "eu 1")
    build(shards.database("us"), [Stream("u1")], "us 1")
    return shards


def test_a_table_has_the_streams_of_all_shards_though_one_is_killed(shards):
    shards.table = shards.target.table()
    assert shards.load("eu") == (2, 0, 0)
    assert shards.load("us") == (1, 0, 0)
    add(shards.database("eu"), [Stream("e2", seconds=50), Stream("e3")], "eu 2", 2)
    add(shards.database("us"), [Stream("u1", seconds=40), Stream("u2")], "us 2", 2)
    code, output = dwell(
        *("load", shards.target.kind, "--table", shards.table, "--shard", "eu"),
        target=shards.target,
        database=shards.database("eu"),
        script=DYING,
        DIE_AT="noted:1",
    )
    assert code == -9, output
    # the other shard continues, and does not depend on what the killed one has not finished
    assert shards.load("us") == (1, 1, 0)
    if shards.target.kind != "bigquery":
        # there, the job continues by itself
        before = [("eu", "e1", 30), ("eu", "e2", 30), ("us", "u1", 40), ("us", "u2", 30)]
        assert shards.rows() == before
    shards.load("eu")
    union = [
        *[("eu", "e1", 30), ("eu", "e2", 50), ("eu", "e3", 30)],
        *[("us", "u1", 40), ("us", "u2", 30)],
    ]
    assert shards.rows() == union
    assert shards.load("eu") == shards.load("us") == (0, 0, 0)
    # each has its own numbers
    loads = f"select shard, batch, inserted, updated from {shards.table}_loads"
    assert shards.target.rows(loads) == [
        *[("eu", 1, 2, 0), ("eu", 2, 1, 1)],
        *[("us", 1, 1, 0), ("us", 2, 1, 1)],
    ]
    # a shard is compared with its own database
    assert "of each day: 3 streams" in shards.load("eu", "--check")
    shards.target.query(f"delete from {shards.table} where session_id = 'u2'")
    assert "of each day: 3 streams" in shards.load("eu", "--check")
    message = shards.load("us", "--check", code=1)
    assert "shard us differs from fct_watch_streams. 2025-03-18: 1 stream" in message


def test_a_shard_whose_ledger_was_lost_leaves_the_others_alone(shards):
    shards.table = shards.target.table()
    shards.load("eu")
    shards.load("us")
    shards.ledger("eu").unlink()
    message = shards.load("eu", code=2)
    assert (
        "was loaded with another ledger" in message
        and "--adopt" in message
        and "--shard" in message
    )
    add(shards.database("eu"), [Stream("e2", seconds=50)], "eu 2", 2)
    assert shards.load("eu", "--adopt") == (0, 1, 0)
    assert shards.rows() == [("eu", "e1", 30), ("eu", "e2", 50), ("us", "u1", 30)]
    assert shards.load("us") == shards.load("eu") == (0, 0, 0)


def test_another_database_is_not_taken_for_a_shard_that_is_there(shards):
    shards.table = shards.target.table()
    shards.load("eu", as_shard="main")
    assert "was loaded with another ledger" in shards.load("us", as_shard="main", code=2)
    assert shards.rows() == [("main", "e1", 30), ("main", "e2", 30)]
    assert shards.load("us") == (1, 0, 0)
    # nor is a ledger taken for that of another shard
    message = shards.load("us", as_shard="us2", code=2)
    assert (
        f"is the ledger of {shards.target.kind} table {shards.table}, shard us, not of" in message
    )


def test_streams_that_another_shard_has_are_not_loaded_twice(shards):
    shards.table = shards.target.table()
    shards.load("eu")
    # as a user does who has lost the ledger
    shutil.copy(shards.database("eu"), shards.database("copy"))
    add(shards.database("copy"), [Stream("c1")], "copy 2", 2)
    message = shards.load("copy", code=1)
    assert "2 streams of this database are in the table already, loaded as shard eu" in message
    assert shards.rows() == [("eu", "e1", 30), ("eu", "e2", 30)]


def test_a_history_has_the_revisions_of_all_shards(shards):
    shards.table = shards.target.table("watch_stream_history")
    as_history = ("--mode", "append")
    assert shards.load("eu", *as_history) == (2, 0, 0)
    assert shards.load("us", *as_history) == (1, 0, 0)
    add(shards.database("eu"), [Stream("e2", seconds=50)], "eu 2", 2)
    assert shards.load("eu", *as_history) == (1, 0, 0)
    assert shards.rows() == [
        *[("eu", "e1", 30), ("eu", "e2", 30), ("eu", "e2", 50)],
        ("us", "u1", 30),
    ]
    for shard, streams in (("eu", 2), ("us", 1)):
        message = shards.load(shard, *as_history, "--check")
        assert f"of each day: {counted(streams, 'stream')} on 1 day" in message


def test_overwriting_days_of_a_shard_leaves_those_of_others(shards):
    shards.table = shards.target.table()
    by_days = ("--mode", "overwrite")
    add(shards.database("us"), [Stream("u2", TOMORROW)], "us 2", 2)
    assert shards.load("eu", *by_days) == (2, 0, 0)
    assert shards.load("us", *by_days) == (2, 0, 0)
    add(shards.database("eu"), [Stream("e2", seconds=50)], "eu 2", 2)
    assert shards.load("eu", *by_days) == (2, 0, 2)
    assert shards.load("us", *by_days, "--from", "2025-03-19") == (1, 0, 1)
    assert shards.rows() == [
        *[("eu", "e1", 30), ("eu", "e2", 50)],
        *[("us", "u1", 30), ("us", "u2", 30)],
    ]
    assert "of each day: 2 streams" in shards.load("eu", *by_days, "--check")


def test_a_name_that_is_none_is_refused(shards):
    shards.table = shards.target.table()
    for name in ("", " ", "a'b", "a b", "a;b", "x" * 64):
        assert "--shard" in shards.load("eu", as_shard=name or "é", code=2)
