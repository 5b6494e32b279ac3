"""A file that someone has open is waited for, but not without limit, and they are named."""

import contextlib
import os
import subprocess
import sys
import time

import duckdb
import pytest
from support.kafka.landing import land, payload
from support.project import ROOT, Project

from dwell.exceptions import DatabaseLockedError
from dwell.publishing.ledger import Ledger
from dwell.runtime import database_lock
from dwell.runtime.database_lock import Waiting, retry_while_locked
from dwell.warehouses.load import read_watch_timeout

HOLDER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
sys.stdin.readline()
"""


@contextlib.contextmanager
def held(path, how):
    """Have another process open a database, to read or to write."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "open\n"
    try:
        yield process.pid
    finally:
        process.communicate("\n")


@pytest.fixture
def brief(monkeypatch):
    monkeypatch.setattr(Waiting, "timeout_seconds", 2.0)


def test_a_wait_ends_and_names_the_holder(tmp_path, brief):
    path = tmp_path / "held.duckdb"
    duckdb.connect(str(path)).close()
    with held(path, "read") as pid:
        began_at = time.monotonic()
        with pytest.raises(DatabaseLockedError) as raised:
            retry_while_locked(lambda: duckdb.connect(str(path)))
    assert 2 <= time.monotonic() - began_at < 6
    message = str(raised.value)
    assert f"(PID {pid})" in message
    assert str(path) in message
    assert "python" in message


def test_a_wait_goes_on_as_soon_as_the_file_is_free(tmp_path, brief):
    path = tmp_path / "held.duckdb"
    duckdb.connect(str(path)).close()
    with contextlib.ExitStack() as stack:
        stack.enter_context(held(path, "read"))
        done = []

        def meanwhile():
            done.append(1)
            stack.close()

        stack.enter_context(pytest.MonkeyPatch.context()).setattr(
            Waiting, "meanwhile", staticmethod(meanwhile)
        )
        retry_while_locked(lambda: duckdb.connect(str(path))).close()
    assert done == [1]


def test_each_wait_lasts_the_full_timeout(tmp_path, brief, monkeypatch):
    """Two files that are held one after the other are not one wait."""
    monkeypatch.setattr(database_lock.time, "sleep", lambda _: None)
    now = [0.0]
    monkeypatch.setattr(database_lock.time, "monotonic", lambda: now[0])

    def locked_for(seconds):
        until = now[0] + seconds

        def work():
            if now[0] >= until:
                return "done"
            now[0] += 0.5
            raise duckdb.IOException(f'{database_lock.LOCKED} "x.duckdb"')

        return work

    assert retry_while_locked(locked_for(1.5)) == "done"
    assert retry_while_locked(locked_for(1.5)) == "done"
    with pytest.raises(DatabaseLockedError, match=r"x\.duckdb is open in another program"):
        retry_while_locked(locked_for(9))


def test_the_ledger_too_is_not_waited_for_without_limit(tmp_path, brief):
    ledger = Ledger(tmp_path / "ledger.duckdb", "nowhere")
    with held(ledger.path, "read"), pytest.raises(DatabaseLockedError, match=r"ledger[.]duckdb"):
        ledger.last_published_batch()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loaded")
    (folder / "landing").mkdir()
    land(folder / "landing" / "t.1-of-1.1.parquet", {number: payload() for number in range(3)})
    project = Project(folder, heartbeats_path=f"{folder}/landing/*.parquet")
    project.run("run", "--select", "stg_watch__heartbeat_rows+")
    return folder


def test_what_loads_a_warehouse_waits_as_long(loaded, brief):
    with held(loaded / "dwell.duckdb", "write"), pytest.raises(DatabaseLockedError):
        read_watch_timeout(loaded / "dwell.duckdb")


@pytest.mark.parametrize("command", ["compact", "validate"])
def test_a_command_ends_with_1_and_names_the_holder(loaded, command):
    with held(loaded / "dwell.duckdb", "write") as pid:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "dwell", command, "--lock-timeout", "1"),
                *("--landing", str(loaded / "landing")),
            ],
            cwd=ROOT,
            env=os.environ | {"DWELL_DATABASE": str(loaded / "dwell.duckdb")},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1, done.stderr
    assert f"(PID {pid})" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
