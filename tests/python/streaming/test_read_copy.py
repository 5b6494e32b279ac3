"""A program that reads the copy delays no one, and never sees half a file."""

import subprocess
import sys

import duckdb
import pytest
from support.kafka.listener import Scene, at, beats

from dwell.exceptions import UsageError
from dwell.runtime import atomic_file
from dwell.streaming import read_copy
from dwell.streaming.read_copy import ReadCopy

# Opens a database to read, prints what is in it whenever it is asked, and keeps it open.
CLIENT = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
while True:
    print(connection.execute("select count(*) from fct_watch_streams").fetchone()[0], flush=True)
    if not sys.stdin.readline().strip():
        break
"""


class Client:
    def __init__(self, path):
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.first = int(self.process.stdout.readline())

    def ask(self):
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self):
        self.process.communicate("\n")


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path)
    scene.land(beats("a", "0:00", "1:00"))
    scene.step(at("5:00"))
    scene.step(at("5:00"))
    return scene


@pytest.fixture
def copy(scene, tmp_path):
    paths = [tmp_path / "dwell.duckdb", tmp_path / "dwell-published.duckdb"]
    return ReadCopy(tmp_path / "read", 60, paths)


def count(path, table):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(f"select count(*) from {table}").fetchone()[0]


def test_a_program_that_reads_the_copy_delays_no_one(scene, copy, tmp_path):
    copy.make()
    client = Client(tmp_path / "read" / "dwell.duckdb")
    assert client.first == 1
    scene.land(beats("b", "6:00", "7:00"))
    scene.step(at("20:00"))
    scene.step(at("20:00"))
    assert [session for session, _, _ in scene.streams()] == ["a", "b"]
    copy.make()
    # a program keeps the old copy that it has open; one that opens it again has the new one
    assert client.ask() == 1
    client.close()
    assert count(tmp_path / "read" / "dwell.duckdb", "fct_watch_streams") == 2
    assert count(tmp_path / "read" / "dwell-published.duckdb", "published_streams") == 2


def test_it_is_replaced_at_the_interval_if_something_has_changed(
    scene, copy, tmp_path, monkeypatch
):
    made = []
    monkeypatch.setattr(
        read_copy, "copy_file", lambda *paths: made.append(paths) or atomic_file.copy_file(*paths)
    )
    copy.make_if_due()
    copy.make_if_due()
    assert len(made) == 2
    copy.every_seconds = 0
    copy.make_if_due()
    assert len(made) == 2
    scene.land(beats("b", "6:00", "7:00"))
    scene.step(at("6:30"))
    copy.make_if_due()
    # the ledger, to which nothing was added, was opened to write, and may have changed
    assert made[2][0] == tmp_path / "dwell.duckdb"


@pytest.mark.parametrize("where", ["copy_file", "replace_file"])
def test_a_copy_that_fails_leaves_the_one_before(scene, copy, tmp_path, monkeypatch, where):
    copy.make()
    before = (tmp_path / "read" / "dwell.duckdb").read_bytes()
    scene.land(beats("b", "6:00", "7:00"))
    scene.step(at("20:00"))

    def fail(source, hidden):
        hidden.write_bytes(b"half") if where == "copy_file" else None
        raise OSError("No space left on device")

    monkeypatch.setattr(read_copy, where, fail)
    copy.make()
    assert (tmp_path / "read" / "dwell.duckdb").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "read").iterdir()) == [
        "dwell-published.duckdb",
        "dwell.duckdb",
    ]
    monkeypatch.undo()
    copy.make()
    assert count(tmp_path / "read" / "dwell.duckdb", "fct_watch_streams") == 2


def test_a_copy_that_was_killed_leaves_the_one_before(scene, copy, tmp_path):
    copy.make()
    before = (tmp_path / "read" / "dwell.duckdb").read_bytes()
    scene.land(beats("b", "6:00", "7:00"))
    scene.step(at("20:00"))
    killed = """
import os, signal, sys
from pathlib import Path
from dwell.streaming import read_copy
def die(source, copy):
    copy.write_bytes(source.read_bytes()[:10_000])
    os.kill(os.getpid(), signal.SIGKILL)
read_copy.copy_file = die
read_copy.ReadCopy(Path(sys.argv[1]) / "read", 60, [Path(sys.argv[1]) / "dwell.duckdb"]).make()
"""
    done = subprocess.run([sys.executable, "-c", killed, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert (tmp_path / "read" / ".dwell.duckdb.tmp").stat().st_size == 10_000
    assert (tmp_path / "read" / "dwell.duckdb").read_bytes() == before
    copy.make()
    assert not (tmp_path / "read" / ".dwell.duckdb.tmp").exists()
    assert count(tmp_path / "read" / "dwell.duckdb", "fct_watch_streams") == 2


def test_the_folder_must_be_another(tmp_path):
    with pytest.raises(UsageError, match="name another folder"):
        ReadCopy(tmp_path, 60, [tmp_path / "dwell.duckdb"])
