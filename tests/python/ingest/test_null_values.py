"""Texts that mean a missing value, and warnings where one may."""

import pytest
from support.events import write_events
from support.project import Project

MODELS = ("--select", "+fct_sessions", "fct_events", "event_reconciliation")
GIANT = "fct_events__no_id_has_a_tenth_of_all__null_values"
EQUAL = "fct_events__equal_rows_are_one_event__drop_exact_duplicates"


def at(number):
    return f"2025-01-01 {number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}"


@pytest.fixture
def loaded(tmp_path):
    """Return a way to load events under settings."""

    def load(rows, **settings):
        path = write_events(tmp_path / "a.csv", rows)
        project = Project(tmp_path, events_path=str(path), **settings)
        project.run("run", *MODELS, full_refresh=True)
        return project

    return load


def test_a_text_that_means_a_missing_id_is_no_user(loaded):
    missing = ["", " ", "\\N", " \\N ", "\\\\N", "NULL", "0"]
    rows = [("view", user, "1.0", at(n), f"d{n}", "web") for n, user in enumerate(missing)]
    users = "select distinct user_id from fct_sessions where user_id is not null order by all"
    assert loaded(rows).rows(users) == [("0",), ("NULL",)]
    assert loaded(rows, null_values=["NULL", "0", "0'; --"]).rows(users) == [("\\N",), ("\\\\N",)]
    assert loaded(rows, null_values=[]).row("select count(*) from (" + users + ")") == (4,)


def test_a_row_without_ids_is_rejected_however_they_are_written(loaded):
    rows = [("view", "\\N", "1.0", at(0), "\\N", "web"), ("view", "u", at(0))]
    found = loaded(rows).rows("select reject_reason from int_web__events_sessionized order by all")
    assert sorted(found, key=str) == [("missing_user_and_device",), (None,)]


def warned(project, test):
    results = project.run("test", "--select", test).results
    (status,) = (str(r.status) for r in results if r.node.name == test)
    return status == "warn"


def test_an_id_with_a_tenth_of_all_events_is_a_warning(loaded):
    many = [("view", f"u{n % 200}", "1.0", at(n), f"d{n % 200}", "web") for n in range(1800)]
    some = [("view", "NULL", "1.0", at(n), f"d{n}", "web") for n in range(200)]
    assert warned(loaded(many + some), GIANT)
    assert not warned(loaded(many + some[1:]), GIANT)
    assert not warned(loaded(many + some, null_values=["NULL"]), GIANT)
    # three people: each has a third
    assert not warned(loaded([("view", f"u{n % 3}", at(n)) for n in range(1800)]), GIANT)


def test_equal_rows_in_full_seconds_are_a_warning(loaded):
    clicks = [("click", "u", "2025-01-01 10:00:00")] * 5
    others = [("view", "u", at(n)) for n in range(395)]
    assert warned(loaded(clicks + others), EQUAL)
    assert not warned(loaded(clicks[:4] + others), EQUAL)
    assert not warned(loaded(clicks + others, drop_exact_duplicates=False), EQUAL)
    fraction = [("view", "u", "2025-01-01 10:00:00.001")]
    assert not warned(loaded(clicks + others + fraction), EQUAL)
