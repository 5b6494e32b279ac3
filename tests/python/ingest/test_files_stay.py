"""A file that was loaded is not opened again; what happens to it later is noticed, or named."""

import os
import re

import pytest
from support.events import MODIFIED, write_events
from support.project import Project

ANN = ("view", "ann", "2025-01-01 10:00")
BOB = ("view", "bob", "2025-01-01 10:00")
MARTS_OF_EVENTS = ("fct_sessions", "fct_events", "rejected_events", "event_reconciliation")


def sentence(error):
    """Return the sentence in the error of a failed run; there is one, and it is dwell's."""
    found = set(re.findall(r"dwell: .*", error))
    assert len(found) == 1, error
    return found.pop()


@pytest.fixture(scope="module")
def parsed(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("parsed"), events_path="none").manifest()


@pytest.fixture
def project(parsed, tmp_path):
    """A project that is not parsed again: its settings change no `ref` and no config."""

    def make(**settings):
        project = Project(tmp_path, **settings)
        project._manifest = parsed
        return project

    return make


@pytest.fixture
def landing(project, tmp_path):
    """A project over a landing folder in which ann's file is loaded."""
    project = project(events_path=f"{tmp_path}/landing/*")
    write_events(tmp_path / "landing" / "ann.csv", [ANN])
    run(project)
    return project


def run(project, **how):
    result = project.run("run", "--select", *(f"+{mart}" for mart in MARTS_OF_EVENTS), **how)
    return sentence(result) if how.get("fails") else result


def marts(project):
    return [project.rows(f"from {mart} order by all") for mart in MARTS_OF_EVENTS]


def users(project):
    return [user for (user,) in project.rows("select user_id from fct_sessions order by 1")]


def test_a_loaded_file_is_not_opened_again(landing, tmp_path):
    """What it holds now is no longer CSV, but its size and time are as they were."""
    before = marts(landing)
    ann = tmp_path / "landing" / "ann.csv"
    ann.write_bytes(b"\xff" * ann.stat().st_size)
    os.utime(ann, (MODIFIED, MODIFIED))
    run(landing)
    assert marts(landing) == before
    # nor while another is loaded
    write_events(tmp_path / "landing" / "bob.csv", [BOB])
    run(landing)
    assert users(landing) == ["ann", "bob"]
    # a full refresh opens it
    assert "ann.csv is no CSV" in run(landing, fails=True, full_refresh=True)


def test_a_loaded_file_that_grew_is_an_error(landing, tmp_path):
    before = marts(landing)
    path = write_events(tmp_path / "landing" / "ann.csv", [ANN, BOB])
    error = run(landing, fails=True)
    assert error.startswith(f"dwell: {path} has changed since it was loaded (")
    assert "bytes of 2026-02-02 02:40:00, now " in error
    assert "Put new events into a new file, or load everything again with --full-refresh" in error
    assert marts(landing) == before
    run(landing, full_refresh=True)
    assert users(landing) == ["ann", "bob"]


def test_a_loaded_file_of_another_time_is_an_error(landing, tmp_path):
    """DuckDB reports times of files in seconds."""
    path = tmp_path / "landing" / "ann.csv"
    os.utime(path, (MODIFIED, MODIFIED + 1))
    error = run(landing, fails=True)
    assert error.startswith(f"dwell: {path} has changed since it was loaded (")
    assert "now 101 bytes of 2026-02-02 02:40:01" in error


def test_a_file_that_is_gone_is_missed_only_by_a_full_refresh(landing, tmp_path):
    for user in ("bob", "cay"):
        write_events(tmp_path / "landing" / f"{user}.csv", [("view", user, "2025-01-01 10:00")])
    run(landing)
    for gone in (["ann"], ["ann", "bob", "cay"]):
        for user in gone:
            (tmp_path / "landing" / f"{user}.csv").unlink(missing_ok=True)
        run(landing)
        assert users(landing) == ["ann", "bob", "cay"]
        before = marts(landing)
        assert run(landing, fails=True, full_refresh=True) == (
            "dwell: a full refresh would lose the events of "
            + ", ".join(f"{tmp_path}/landing/{user}.csv" for user in gone)
            + ": loaded before, and no longer there. Put the file back, or build without it into "
            "another DWELL_DATABASE."
        )
        assert marts(landing) == before


def test_a_file_that_is_named_by_its_path_may_go_too(project, tmp_path):
    path = write_events(tmp_path / "ann.csv", [ANN])
    project = project(events_path=[str(path)])
    run(project)
    path.unlink()
    run(project)
    assert users(project) == ["ann"]
    # but one that was never there is a slip of the pen
    project.settings = {"events_path": [str(path), f"{tmp_path}/bop.csv"]}
    assert f"events_path names no file: {tmp_path}/bop.csv" in run(project, fails=True)


def test_a_file_that_came_back_is_known(landing, tmp_path):
    path = tmp_path / "landing" / "ann.csv"
    path.rename(tmp_path / "aside.csv")
    run(landing)
    (tmp_path / "aside.csv").rename(path)
    run(landing)
    assert users(landing) == ["ann"]
    run(landing, full_refresh=True)
    assert users(landing) == ["ann"]


def test_a_loaded_file_that_events_path_no_longer_names_is_an_error(landing, tmp_path):
    bob = write_events(tmp_path / "landing" / "bob.csv", [BOB])
    run(landing)
    before = marts(landing)
    landing.settings = {"events_path": str(bob)}
    assert run(landing, fails=True) == (
        f"dwell: {tmp_path}/landing/ann.csv is loaded, but events_path no longer names it. Name it "
        "too, or start again without it: --full-refresh (make: FULL_REFRESH=1), or another "
        "DWELL_DATABASE."
    )
    assert marts(landing) == before
    run(landing, full_refresh=True)
    assert users(landing) == ["bob"]


def test_a_file_changes_only_the_visitors_in_it(landing, tmp_path):
    """The others keep their rows, and the load that wrote them."""
    visitors = [(f"u{n}", f"2025-01-01 {hour}:00") for n in range(20) for hour in (10, 11, 15)]
    write_events(tmp_path / "landing" / "more.csv", [("view", *visitor) for visitor in visitors])
    run(landing)
    untouched = "where user_id not in ('u3', 'u7', 'new') order by all"
    stored = f"from int_web__sessions {untouched}"
    events = f"from int_web__events_sessionized {untouched}"
    others = [landing.rows(stored), landing.rows(events)]
    assert [len(rows) for rows in others] == [1 + 18 * 3, 1 + 18 * 3]
    # between two sessions of u3, joining them; before all of u7's; and someone new
    touching = [("view", "u3", f"2025-01-01 10:{minute}") for minute in (20, 40)]
    touching += [("view", "u7", "2024-12-31 10:00"), ("view", "new", "2025-01-01 10:00")]
    write_events(tmp_path / "landing" / "late.csv", touching)
    run(landing)
    assert [landing.rows(stored), landing.rows(events)] == others
    assert landing.rows(
        """select user_id, session_number, strftime(started_at, '%m-%d %H:%M'), event_count
        from fct_sessions where user_id in ('u3', 'u7', 'new') order by all"""
    ) == [
        ("new", 1, "01-01 10:00", 1),
        ("u3", 1, "01-01 10:00", 4),
        ("u3", 2, "01-01 15:00", 1),
        ("u7", 1, "12-31 10:00", 1),
        ("u7", 2, "01-01 10:00", 1),
        ("u7", 3, "01-01 11:00", 1),
        ("u7", 4, "01-01 15:00", 1),
    ]


def test_a_run_without_new_files_changes_nothing(landing):
    tables = ("int_web__events_sessionized", "int_web__sessions", "dwell_event_loads")
    before = [landing.rows(f"from {table} order by all") for table in tables]
    run(landing)
    assert [landing.rows(f"from {table} order by all") for table in tables] == before
