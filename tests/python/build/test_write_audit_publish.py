"""dwell build: builds a copy while others read the live file, and replaces it if all passes."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from support.events import write_events
from support.project import ROOT

from dwell.build import builder, write_audit_publish
from dwell.cli.build import build as build_command
from dwell.exceptions import BuildError, DwellError
from dwell.runtime.terminal import print_error

NO_TESTS = ("--exclude", "resource_type:test", "resource_type:unit_test")
SESSIONS = ("--select", "+fct_sessions", "+fct_events", *NO_TESTS)
VISITS = [("view", "ann", "2025-01-01 10:00:00"), ("view", "bob", "2025-01-01 11:00:00")]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Return a database of two sessions, built where nothing was; tests take copies of it."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as environment:
        set_environment(environment, folder)
        events = write_events(folder / "events.csv", VISITS)
        assert dwell_build(folder / "live.duckdb", *SESSIONS, "--events", str(events)) == 0
    return folder


@pytest.fixture
def live(first, tmp_path, monkeypatch):
    """Return a database of a test's own, next to the events that it was built from."""
    set_environment(monkeypatch, first)
    return Path(shutil.copy(first / "live.duckdb", tmp_path / "live.duckdb"))


def set_environment(environment, folder):
    for name in ("CI", "DBT_TARGET", "EVENTS", "VARS"):
        environment.delenv(name, raising=False)
    environment.setenv("DWELL_DATABASE", "")
    environment.setenv("DBT_TARGET_PATH", str(folder / "target"))
    environment.setenv("DBT_LOG_PATH", str(folder / "logs"))


def dwell_build(database, *options):
    arguments = build_command.make_context("build", ["--database", str(database), *options]).params
    try:
        builder.build_database(**arguments)
    except DwellError as error:
        print_error(error, *error.lines)
        return error.exit_code
    return 0


def building(database, first):
    """Return a build that has begun, in a process of its own."""
    options = (*SESSIONS, "--full-refresh", "--events", str(first / "events.csv"))
    return subprocess.Popen(
        [sys.executable, "-m", "dwell", "build", "--database", str(database), *options],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )


def build_with(database, *statements):
    with (
        write_audit_publish.working_copy(database) as copy,
        duckdb.connect(str(copy)) as connection,
    ):
        for statement in statements:
            connection.execute(statement)


def sessions(database):
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute("select count(*) from fct_sessions").fetchone()[0]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Someone:
    """Another program that has a database open; it runs queries, and prints the results."""

    def __init__(self, database, read_only=True):
        code = (
            "import duckdb, sys\n"
            "connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'True')\n"
            "print('open', flush=True)\n"
            "for line in sys.stdin:\n"
            "    print(connection.execute(line).fetchall(), flush=True)\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(database), str(read_only)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.is_in = self.process.stdout.readline() == "open\n"

    def ask(self, query):
        self.process.stdin.write(f"{query}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def die(self):
        self.process.kill()
        self.process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.die()


COUNT = "select count(*) from fct_sessions"


def test_open_connections_keep_the_old_file_and_later_ones_see_the_new_one(
    live, first, tmp_path, monkeypatch, capsys
):
    events = write_events(tmp_path / "more.csv", [("view", "cay", "2025-01-02 10:00:00")])
    live.chmod(0o664)
    seen = {}
    work = builder.build_copy

    def and_look(*about):
        work(*about)
        with Someone(live) as another, Someone(live, read_only=False) as writer:
            seen.update(old=open_before.ask(COUNT), during=another.ask(COUNT), writer=writer.is_in)

    monkeypatch.setattr(builder, "build_copy", and_look)
    with Someone(live) as open_before:
        options = (*SESSIONS, "--events", str(first / "events.csv"), str(events))
        assert dwell_build(live, *options) == 0
        assert seen == {"old": "[(2,)]", "during": "[(2,)]", "writer": False}
        assert open_before.ask(COUNT) == "[(2,)]"
    assert sessions(live) == 3
    assert live.stat().st_mode & 0o777 == 0o664
    assert sorted(p.name for p in tmp_path.iterdir()) == ["live.duckdb", "more.csv"]
    output = capsys.readouterr()
    # no terminal: a line at the beginning, one at the end
    assert [line.split(" ")[:2] for line in output.out.splitlines()] == [
        ["==", "building"],
        ["==", "built"],
    ]
    assert output.err == ""


def test_a_failing_test_leaves_the_file_byte_for_byte_and_reports_why(live, first, capsys):
    with duckdb.connect(str(live)) as connection:
        connection.execute("update int_web__sessions set event_count = 7 where user_id = 'ann'")
    before = digest(live)
    events = ("--events", str(first / "events.csv"))
    assert dwell_build(live, *events, "--select", "fct_sessions__equal_their_events") == 1
    assert digest(live) == before
    message = capsys.readouterr().err
    assert "dwell: test fct_sessions__equal_their_events: Got 1 result" in message
    assert f"live.duckdb has not changed. The copy is {live.parent}" in message
    assert f"dbt's log is {first / 'logs' / 'dbt.log'}" in message
    assert "fct_sessions__equal_their_events" in (first / "logs" / "dbt.log").read_text()
    # it can be looked at, and the next build removes it
    left = live.with_name(".live.duckdb.build") / "live.duckdb"
    assert sessions(left) == 2
    build_with(live)
    assert not left.parent.exists()


def test_wrong_settings_are_reported_in_a_sentence_and_leave_nothing(live, first, capsys):
    before = digest(live)
    assert dwell_build(live, "--vars", "{session_timeout_minutes: -1}") == 1
    message = capsys.readouterr().err.splitlines()
    assert message == [
        "dwell: session_timeout_minutes must be a number from 0.001 to 1440, not -1. "
        "Example: --vars '{session_timeout_minutes: 20}'.",
        f"  {live} has not changed",
    ]
    assert digest(live) == before
    assert [p.name for p in live.parent.iterdir()] == ["live.duckdb"]


def test_of_two_builds_at_once_the_second_reports_it_and_stops(live, capsys):
    with write_audit_publish.working_copy(live):
        with Someone(live):
            assert dwell_build(live) == 1
        message = capsys.readouterr().err
        assert f"another build is running (process {os.getpid()})" in message
    build_with(live)


def test_a_writer_is_named_and_nothing_is_built(live, capsys):
    with Someone(live, read_only=False) as writer:
        assert dwell_build(live) == 1
    message = capsys.readouterr().err
    assert f"{live}: it is open for writing in" in message
    assert f"(PID {writer.process.pid}): end that process, and build again" in message
    assert [p.name for p in live.parent.iterdir()] == ["live.duckdb"]


def left_by_a_dead_writer(live):
    with Someone(live, read_only=False) as writer:
        writer.ask("pragma disable_checkpoint_on_shutdown")
        writer.ask("create table notes as select 'mine' as note")
    assert live.with_name("live.duckdb.wal").stat().st_size > 0


def test_the_wal_of_a_dead_writer_is_checkpointed_first(live):
    left_by_a_dead_writer(live)
    build_with(live, "create table built as select 1 as one")
    assert [p.name for p in live.parent.iterdir()] == ["live.duckdb"]
    with duckdb.connect(str(live), read_only=True) as connection:
        assert connection.execute("from notes, built").fetchall() == [("mine", 1)]


def test_the_wal_of_a_dead_writer_is_kept_if_open_connections_prevent_a_checkpoint(live):
    left_by_a_dead_writer(live)
    with Someone(live) as open_before:
        with pytest.raises(
            BuildError,
            match=rf"\.wal of a process that died must be checkpointed.*{open_before.process.pid}",
        ):
            build_with(live)
        assert open_before.ask("from notes") == "[('mine',)]"


def test_a_link_stays_a_link_and_its_views_work(live, tmp_path):
    real = tmp_path / "disk" / "2025.duckdb"
    real.parent.mkdir()
    live.rename(real)
    live.symlink_to(real)
    build_with(
        live,
        "create table built as select 1 as one",
        # as dbt does, by the full name of what it reads
        'create view mart as select * from "2025".main.built',
    )
    assert live.is_symlink()
    assert [p.name for p in real.parent.iterdir()] == ["2025.duckdb"]
    for name in (live, real):
        with duckdb.connect(str(name), read_only=True) as connection:
            assert connection.execute("from mart").fetchall() == [(1,)]


def test_a_file_that_came_or_was_replaced_meanwhile_is_not_overwritten(live):
    before = digest(live)
    with (
        pytest.raises(BuildError, match="was replaced"),
        write_audit_publish.working_copy(live),
    ):
        shutil.copy(live, live.with_name("other"))
        live.with_name("other").replace(live)
    assert digest(live) == before
    new = live.with_name("new.duckdb")
    with (
        pytest.raises(BuildError, match="was replaced"),
        write_audit_publish.working_copy(new) as copy,
    ):
        duckdb.connect(str(copy)).close()
        shutil.copy(live, new)
    assert digest(new) == before


def test_a_wal_without_its_file_is_not_left_next_to_a_new_file(tmp_path):
    new = tmp_path / "new.duckdb"
    new.with_name("new.duckdb.wal").write_bytes(b"of a file that was removed")
    build_with(new, "create table built as select 1 as one")
    assert [p.name for p in tmp_path.iterdir()] == ["new.duckdb"]


def test_the_wal_of_the_copy_is_checkpointed(live):
    build_with(
        live, "pragma disable_checkpoint_on_shutdown", "create table built as select 1 as one"
    )
    assert [p.name for p in live.parent.iterdir()] == ["live.duckdb"]
    with duckdb.connect(str(live), read_only=True) as connection:
        assert connection.execute("from built").fetchall() == [(1,)]


def test_too_little_space_is_reported_before_the_copy(live, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(BuildError, match=r"takes \d+ MB, and 0 MB are free"):
        build_with(live)
    assert [p.name for p in live.parent.iterdir()] == ["live.duckdb"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no/folder/x.duckdb", "does not exist: create it"),
        ("", "is a folder"),
        (":memory:", "is not a file"),
        ("md:mine", "is not a file"),
        ("s3://bucket/x.duckdb", "is not a file"),
    ],
)
def test_a_path_where_no_file_can_be_is_reported(tmp_path, name, message):
    path = Path(name) if ":" in name else tmp_path / name
    with pytest.raises(BuildError, match=message):
        build_with(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--target", "postgres"), "build it with dbt build --target postgres"),
        (("--target", "ducklake"), "is not one DuckDB file"),
        (("--target", "nowhere"), "profiles.yml has no target nowhere"),
        (("--vars", "[1]"), "--vars must be a mapping"),
    ],
)
def test_what_it_cannot_build_is_wrong_usage(live, capsys, options, message):
    assert dwell_build(live, *options) == 2
    assert message in capsys.readouterr().err


def test_interrupted_it_leaves_nothing(live, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(builder, "invoke", interrupt)
    assert dwell_build(live) == 130
    assert "interrupted" in capsys.readouterr().err
    assert [p.name for p in live.parent.iterdir()] == ["live.duckdb"]


def test_ended_by_sigterm_it_leaves_nothing_too(live, first):
    before = digest(live)
    log = live.with_name(".live.duckdb.build") / "live.duckdb.wal"
    with building(live, first) as process:
        while process.poll() is None and not log.exists():
            time.sleep(0.01)
        process.terminate()
        message = process.communicate()[1]
    assert process.returncode == 143
    assert "interrupted" in message and "has not changed" in message and "Traceback" not in message
    assert digest(live) == before
    assert [p.name for p in live.parent.iterdir()] == ["live.duckdb"]


def test_what_selects_nothing_builds_nothing(live, capsys):
    before = digest(live)
    assert dwell_build(live, "--select", "fct_sesions") == 1
    assert "--selector select nothing" in capsys.readouterr().err
    assert digest(live) == before


def test_a_disk_that_is_full_at_the_end_is_reported(live, monkeypatch):
    def full(*_, **__):
        raise duckdb.IOException("IO Error: Could not write: No space left on device")

    before = digest(live)
    with (
        pytest.raises(BuildError, match=r"one file.*No space left"),
        write_audit_publish.working_copy(live),
    ):
        monkeypatch.setattr(write_audit_publish, "open_database", full)
    assert digest(live) == before


@pytest.mark.parametrize("options", [("1",), ("3", "log"), ("3", "new")])
def test_killed_at_any_line_it_leaves_a_good_file_and_the_next_build_goes_well(tmp_path, options):
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "tests/python/support/killed/build.py",
            tmp_path / "live.duckdb",
            *options,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["before"] > 15 and counts["after"] > 0


def test_killed_while_dbt_writes_it_leaves_the_file_byte_for_byte(live, first):
    before = digest(live)
    log = live.with_name(".live.duckdb.build") / "live.duckdb.wal"
    with building(live, first) as process:
        while process.poll() is None and not log.exists():
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert digest(live) == before
    build_with(live)
    assert sessions(live) == 2
    assert [p.name for p in live.parent.iterdir()] == ["live.duckdb"]


def test_a_copy_that_outlives_its_build_keeps_the_next_one_out(live, tmp_path, monkeypatch):
    slow = tmp_path / "bin" / "cp"
    slow.parent.mkdir()
    slow.write_text('#!/bin/sh\ntouch "$0.began"\nsleep 2\nexec /bin/cp "$@"\n')
    slow.chmod(0o755)
    code = "import sys; from pathlib import Path\n"
    code += "from dwell.build.write_audit_publish import working_copy\n"
    code += "with working_copy(Path(sys.argv[1])): pass"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(live)],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{slow.parent}:{os.environ['PATH']}"},
    )
    while not slow.with_name("cp.began").exists():
        time.sleep(0.01)
    process.kill()
    process.wait()
    with pytest.raises(BuildError, match="another build"):
        build_with(live)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            build_with(live, "create table built as select 1 as one")
            break
        except BuildError:
            time.sleep(0.1)
    with duckdb.connect(str(live), read_only=True) as connection:
        assert connection.execute("from built").fetchall() == [(1,)]
    assert sessions(live) == 2
