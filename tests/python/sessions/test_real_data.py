"""Real browsing of five people, with facts that were counted elsewhere.

The folder is next to the checkout where dwell is developed.
"""

import pytest
from support.project import ROOT, Project

EVENTS = ROOT.parent / "shared" / "data" / "web_browsing" / "events.csv.gz"

pytestmark = pytest.mark.skipif(
    not EVENTS.exists(), reason=f"real data is not next to this checkout: {EVENTS.parent.name}"
)


@pytest.fixture(scope="module")
def with_duplicates(tmp_path_factory):
    project = Project(
        tmp_path_factory.mktemp("kept"), events_path=str(EVENTS), drop_exact_duplicates=False
    )
    project.run("run")
    return project


@pytest.fixture(scope="module")
def without_duplicates(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("dropped"), events_path=str(EVENTS))
    project.run("run")
    return project


SUMMARY = """select events, sessions, most_events, round(mean_duration_seconds, 3),
    round(median_duration_seconds, 3), single_event_sessions,
    round(mean_duration_seconds_without_single_event_sessions, 3) from session_summary"""
BUSIEST = "select activity_date::varchar, events from daily_activity where is_busiest"


def test_the_known_facts_come_out_with_duplicates_kept(with_duplicates):
    assert with_duplicates.row(SUMMARY) == (49_612, 579, 1_360, 4145.303, 2122.714, 49, 4528.548)
    assert with_duplicates.row(BUSIEST) == ("2019-03-04", 2_453)


def test_the_known_facts_come_out_with_duplicates_dropped(without_duplicates):
    assert without_duplicates.row(SUMMARY) == (48_012, 579, 1_360, 4145.303, 2122.714, 50, 4537.109)
    assert without_duplicates.row(BUSIEST) == ("2019-03-04", 2_259)
    assert without_duplicates.row(
        "select rows_read, rows_accepted, rows_duplicate, rows_rejected from event_reconciliation"
    ) == (49_612, 48_012, 1_600, 0)


def test_the_answers_are_known(without_duplicates):
    assert without_duplicates.rows(
        "select answer, round(answer_value, 3) from product_answers order by question_number"
    ) == [
        ("2019-03-04", 2_259),
        ("events of one visitor, gaps of at most 30 min", 579),
        ("1360", 1_360),
        ("4145.303", 4145.303),
    ]
