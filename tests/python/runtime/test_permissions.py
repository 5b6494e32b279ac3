"""No one may read what dwell writes who may not read what it was made from."""

import os
import subprocess
import sys

import duckdb
import pyarrow as pa
import pytest
from support.kafka.landing import land
from support.project import ROOT

from dwell.build.write_audit_publish import working_copy
from dwell.landing import compaction
from dwell.landing.folder import SCHEMA, Landing
from dwell.publishing.ledger import Ledger
from dwell.runtime import permissions
from dwell.runtime.atomic_file import replace_file


@pytest.fixture(autouse=True)
def umask(monkeypatch):
    """As most systems have it."""
    monkeypatch.delenv("DWELL_PRIVATE", raising=False)
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path):
    return oct(path.stat().st_mode & 0o777)


def modes(folder):
    """{name: permissions} of all that is in a folder."""
    return {str(path.relative_to(folder)): mode(path) for path in folder.rglob("*")}


def make_database(path, permission):
    duckdb.connect(str(path)).execute("create table t as select 1 as i").close()
    path.chmod(permission)
    return path


def start(**arguments):
    """What every command does first."""
    permissions.set_up({k: str(v) for k, v in arguments.items()})


def write_all(folder):
    """Have each writer write what it writes."""
    from dwell.publishing.sinks import Folder

    Ledger(folder / "ledger.duckdb", "of a test")
    sink = Folder(folder / "published")
    sink.open()
    sink.publish(1, [("key", "{}")])
    landing = Landing(folder / "landing")
    batch = pa.RecordBatch.from_pylist([], SCHEMA)
    landing.write("topic", (0, 1), [batch])
    landing.remember_topic("topic", "id")
    make_database(folder / "new.duckdb", 0o666 & ~permissions.current_umask())
    with duckdb.connect(str(folder / "open.duckdb")) as connection:
        connection.execute("create table t as select 1 as i")
        assert (folder / "open.duckdb.wal").exists()
        return modes(folder)


@pytest.mark.parametrize(("permission", "of_folder"), [(0o640, 0o750), (0o600, 0o700)])
def test_what_is_made_from_a_database_is_no_wider(tmp_path, permission, of_folder):
    start(database=make_database(tmp_path / "dwell.duckdb", permission))
    (made := tmp_path / "made").mkdir()
    assert set(write_all(made).values()) == {oct(permission), oct(of_folder)}


def test_what_is_open_to_all_stays_so(tmp_path):
    start(database=make_database(tmp_path / "dwell.duckdb", 0o644))
    (made := tmp_path / "made").mkdir()
    assert set(write_all(made).values()) == {oct(0o644), oct(0o755)}


def test_a_first_database_is_no_wider_than_what_has_landed(tmp_path):
    (tmp_path / "landing").mkdir()
    land(tmp_path / "landing" / "one.parquet", {0: "{}"}).chmod(0o600)
    start(database=tmp_path / "none.duckdb", landing=tmp_path / "landing")
    (made := tmp_path / "made").mkdir()
    assert set(write_all(made).values()) == {oct(0o600), oct(0o700)}


def test_private_files_are_their_owners_and_older_ones_are_closed(tmp_path, monkeypatch):
    monkeypatch.setenv("DWELL_PRIVATE", "1")
    for name in ("DBT_LOG_PATH", "DBT_TARGET_PATH"):
        monkeypatch.setenv(name, str(tmp_path / name))
        (tmp_path / name).mkdir()
    (tmp_path / "landing").mkdir()
    database = make_database(tmp_path / "dwell.duckdb", 0o664)
    start(database=database, landing=tmp_path / "landing")
    (made := tmp_path / "made").mkdir()
    assert set(write_all(made).values()) == {oct(0o600), oct(0o700)}
    assert mode(database) == oct(0o600)
    for name in ("landing", "DBT_LOG_PATH", "DBT_TARGET_PATH"):
        assert mode(tmp_path / name) == oct(0o700)


def test_an_older_ledger_is_closed(tmp_path):
    ledger = tmp_path / "ledger.duckdb"
    Ledger(ledger, "of a test")
    assert mode(ledger) == oct(0o644)
    start(database=make_database(tmp_path / "dwell.duckdb", 0o600))
    Ledger(ledger, "of a test")
    assert mode(ledger) == oct(0o600)


def test_merged_files_are_no_wider_than_any_of_them(tmp_path):
    files = []
    for number, permission in enumerate((0o644, 0o600)):
        path = land(tmp_path / f"{number}.parquet", {number: "{}"})
        path.chmod(permission)
        files.append(compaction.LoadedFile(path, "topic", False, 1, 0))
    assert compaction.merge_files(duckdb.connect(), files) == 2
    (path,) = tmp_path.glob("*.parquet")
    assert mode(path) == oct(0o600)


def test_what_replaces_a_file_is_no_wider(tmp_path):
    (old := tmp_path / "report.html").write_text("old")
    old.chmod(0o640)
    (new := tmp_path / ".report.html").write_text("new")
    replace_file(new, old)
    assert (old.read_text(), mode(old)) == ("new", oct(0o640))


@pytest.mark.parametrize("permission", [0o600, 0o640, 0o644])
def test_a_working_copy_is_no_wider_and_the_database_keeps_its_permissions(tmp_path, permission):
    live = make_database(tmp_path / "dwell.duckdb", permission)
    start(database=live)
    with working_copy(live) as copy, duckdb.connect(str(copy)) as connection:
        connection.execute("insert into t values (2)")
        for path in copy.parent.glob("dwell*"):
            assert path.stat().st_mode & 0o777 & ~permission == 0, path
    assert mode(live) == oct(permission)


def test_a_command_is_private_and_so_is_what_it_starts(tmp_path):
    """`dwell build` runs dbt, which writes the database, its log and its target."""
    done = subprocess.run(
        [sys.executable, "-m", "dwell", "build", "--select", "watch_heartbeats"],
        cwd=ROOT,
        env=os.environ
        | {
            "DWELL_PRIVATE": "1",
            "DWELL_DATABASE": str(tmp_path / "dwell.duckdb"),
            "DBT_LOG_PATH": str(tmp_path / "logs"),
            "DBT_TARGET_PATH": str(tmp_path / "target"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = modes(tmp_path)
    assert {"dwell.duckdb", "logs/dbt.log", "target/manifest.json"} <= found.keys()
    assert set(found.values()) == {oct(0o600), oct(0o700)}


def test_a_wrong_setting_is_refused(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "dwell", "answers"],
        cwd=ROOT,
        env=os.environ | {"DWELL_PRIVATE": "yes"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (2, "dwell: DWELL_PRIVATE must be 1 or 0, not yes\n")
