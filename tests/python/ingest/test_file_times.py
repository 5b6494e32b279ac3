"""A file's time of modification is its time of receipt, where it can be."""

from datetime import datetime

import pytest
from support.events import write_events
from support.project import Project

DAY = 86400
JULY_1 = int(datetime.fromisoformat("2025-07-01T00:00:00+00:00").timestamp())
TODAY = ("view", "u", "2025-07-01 12:00")
TOMORROW = ("view", "v", "2025-07-02 12:00")
LATER = ("view", "w", "2199-01-01 00:00")


@pytest.fixture
def load(tmp_path):
    """Return a way to load a file of a certain time; it returns the accepted and the rejected."""
    project = Project(tmp_path)

    def load_file(events, modified, **settings):
        write_events(tmp_path / "a.csv", events, modified)
        project.settings = {"events_path": f"{tmp_path}/a.csv", **settings}
        for full_refresh in (False, True):
            project.run(
                "run", "--select", "+fct_sessions", "rejected_events", full_refresh=full_refresh
            )
            found = (
                [user for (user,) in project.rows("select user_id from fct_sessions order by all")],
                [r for (r,) in project.rows("select reject_reason from rejected_events")],
            )
        return found

    return load_file


@pytest.mark.parametrize("modified", [0, 315_532_800, JULY_1 - DAY])
def test_one_before_most_of_its_events_is_not_used(modified, load):
    assert load([TODAY, TOMORROW, LATER], modified) == (["u", "v"], ["in_the_future"])


def test_one_before_a_few_of_its_events_is_used(load):
    assert load([TODAY, TODAY, TOMORROW, TODAY], JULY_1 + DAY) == (["u"], ["in_the_future"])


def test_a_setting_gives_the_time_of_receipt(load):
    received = {"events_received_at": "2025-07-02 00:00:00"}
    assert load([TODAY, TOMORROW], 0, **received) == (["u"], ["in_the_future"])


def test_the_run_prints_which_files_have_no_credible_time(load, capfd, monkeypatch):
    monkeypatch.setattr("dwell.dbt.runner.QUIET", ("--no-write-json", "--no-version-check"))
    load([TODAY], 0)
    printed = capfd.readouterr().out
    assert (
        "dwell: files that were modified before most of their events, as a copy may leave them"
        in printed
    )
    assert "a.csv (1970-01-01 00:00:00)" in printed and "events_received_at" in printed
