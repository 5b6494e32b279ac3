"""Which values of event_time and start_time are accepted, edge by edge."""

import pytest
from support.kafka.landing import land, payload
from support.project import Project

SOON = "2025-01-01T10:00:00Z"
# the first is received at 2025-01-01 12:00:00, each other a second after the one before; times up
# to an hour later are accepted
# {case: (event_time, start_time, the reason by which it is rejected, or none)}
CASES = {
    "the latest start": (SOON, "2025-01-01T13:00:00Z", None),
    "a start a millisecond later": (SOON, "2025-01-01T13:00:01.001Z", "start_time_in_the_future"),
    "both at once": (SOON, SOON, None),
    "the earliest start": (SOON, "2000-01-01T00:00:00Z", None),
    "a start a millisecond before it": (
        SOON,
        "1999-12-31T23:59:59.999Z",
        "start_time_before_earliest_event_date",
    ),
    "the epoch": (SOON, "1970-01-01T00:00:00Z", "start_time_before_earliest_event_date"),
    "the year 9999": (SOON, "9999-01-01T00:00:00Z", "start_time_in_the_future"),
    "both too early": (
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "before_earliest_event_date",
    ),
    "both too late": ("9999-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "in_the_future"),
}


@pytest.fixture(scope="module")
def reasons(tmp_path_factory):
    """{case: the reason by which it is rejected}, all of one landing file."""
    folder = tmp_path_factory.mktemp("times")
    payloads = [payload(event_time=event, start_time=start) for event, start, _ in CASES.values()]
    path = land(folder / "a.parquet", dict(enumerate(payloads)))
    project = Project(folder, heartbeats_path=str(path), max_rejected_ratio=1)
    project.run("run", "--select", "stg_watch__heartbeats", "int_watch__streams")
    rows = project.rows("select reject_reason from stg_watch__heartbeats order by topic_offset")
    return dict(zip(CASES, [reason for (reason,) in rows], strict=True))


@pytest.mark.parametrize("case", CASES)
def test_a_time_that_cannot_be_is_rejected_for_a_reason_of_its_own(case, reasons):
    assert reasons[case] == CASES[case][-1]
