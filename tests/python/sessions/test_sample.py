"""The sample is what its script writes, and dwell finds the truth that the script knows."""

import itertools
import re
import sys
from collections import Counter

import pytest
from support.oracles.sessions import EPOCH, Event, Rule, sessions_of
from support.project import ROOT, Project

sys.path.insert(0, str(ROOT))

from dwell.sample import events as sample_events

MICROSECOND = sample_events.SECOND / 1_000_000


@pytest.fixture(scope="module")
def truth():
    return sample_events.make_sample()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the project, built with no settings: the sample is the default."""
    project = Project(tmp_path_factory.mktemp("sample"))
    project.run("build", "--exclude-resource-type", "unit_test")
    return project


def test_the_sql_of_the_readme_finds_the_same_sessions(built):
    (sql,) = re.findall(r"```sql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    by_readme = built.rows(f"select * from ({sql}) order by all")
    assert len(by_readme) == 3000
    assert by_readme == built.rows(
        "select user_id, device_id, event_at, session_number from fct_events order by all"
    )


def utc(moment):
    return moment.replace(tzinfo=None)


def in_order(rows):
    return sorted(rows, key=str)


def as_row(session):
    who = session.visitor
    ends = utc(session.started_at), utc(session.ended_at)
    return who.user_id, who.device_id, *ends, len(session.events)


def test_the_file_is_what_the_script_writes(tmp_path):
    written = tmp_path / "events.csv"
    sample_events.write_sample(written)
    assert sample_events.PATH == ROOT / "seeds" / "events.csv"
    assert written.read_bytes() == sample_events.PATH.read_bytes()


def test_the_truth_keeps_the_rule(truth):
    events = [
        Event(
            event.event_name,
            event.user_id,
            event.app_version,
            (utc(event.event_at) - EPOCH) // MICROSECOND,
            event.device_id,
            event.client,
        )
        for session in truth.sessions
        for event in session.events
    ]
    sessions, copies = sessions_of(events, Rule())
    assert copies == 0
    assert in_order(
        (*s.visitor, EPOCH + s.started * MICROSECOND, EPOCH + s.ended * MICROSECOND, len(s.events))
        for s in sessions
    ) == in_order(map(as_row, truth.sessions))


def test_the_sample_is_as_dirty_as_documented(truth):
    rows = truth.rows
    rejected = {number for numbers in truth.rejects.values() for number in numbers}
    accepted = [row for number, row in enumerate(rows, 1) if number not in rejected]
    events = [event for session in truth.sessions for event in session.events]
    assert len(accepted) == len(events) + truth.duplicates
    times = [row["event_time"].strip() for row in accepted]
    ends = Counter(re.sub(r"^.{10}[T ][\d:]{8}(\.\d+)?", "", time) for time in times)
    digits = Counter(len(re.sub(r"^.{19}\.?|Z$|[+-]\d\d:\d\d$", "", time)) for time in times)
    gaps = Counter(
        (later.event_at - earlier.event_at) // MICROSECOND
        for session in truth.sessions
        for earlier, later in itertools.pairwise(session.events)
    )
    few = {
        "sent twice as they were": len(rows) - len({tuple(row.values()) for row in rows}),
        "ties": gaps[0],
        "gaps of 30 minutes": gaps[sample_events.TIMEOUT // MICROSECOND],
        "spaces": sum(cell != cell.strip() for row in accepted for cell in row.values()),
        "other letters": sum(row["client"] != row["client"].lower() for row in accepted),
        "no version": sum(not row["app_version"].strip() for row in accepted),
        "no name": 2 * sum(event.event_name is None for event in events),
        "no user": sum(event.user_id is None for event in events),
        "no device": sum(event.device_id is None for event in events),
        "out of order": sum(a > b for a, b in itertools.pairwise(times)),
        "T": sum("T" in time for time in times),
        "space": sum(" " in time for time in times),
        **{f"ends in {end!r}": ends[end] for end in ("Z", "", "+01:00", "-05:00")},
        **{f"{count} decimals": digits[count] for count in (0, 3, 6)},
    }
    assert {what: count for what, count in few.items() if count < 5} == {}
    assert all(len(numbers) >= 4 for numbers in truth.rejects.values())
    assert sum(gaps[gap] for gap in gaps if gap > sample_events.TIMEOUT // MICROSECOND) == 0
    assert len(truth.rejects) == 5 and ends.keys() >= {"-04:00", "+02:00", "+05:30"}


def test_sessions_are_the_true_ones(built, truth):
    found = built.rows(
        "select user_id, device_id, started_at, ended_at, event_count from fct_sessions"
    )
    assert in_order(found) == in_order(map(as_row, truth.sessions))


def test_events_are_the_true_ones(built, truth):
    found = built.rows(
        "select event_name, user_id, app_version, event_at, device_id, client from fct_events"
    )
    assert in_order(found) == in_order(
        (e.event_name, e.user_id, e.app_version, utc(e.event_at), e.device_id, e.client)
        for session in truth.sessions
        for e in session.events
    )


def test_rows_are_reconciled(built, truth):
    rejected = sum(map(len, truth.rejects.values()))
    accepted = sum(len(session.events) for session in truth.sessions)
    assert len(truth.rows) == accepted + truth.duplicates + rejected
    assert built.row(
        """select rows_read, rows_accepted, rows_duplicate, rows_rejected, is_balanced
        from event_reconciliation"""
    ) == (len(truth.rows), accepted, truth.duplicates, rejected, True)


def test_rejects_have_their_reason_row_and_values(built, truth):
    columns = ", ".join(sample_events.COLUMNS)
    found = built.rows(f"select source_row, reject_reason, {columns} from rejected_events")
    # what the file holds, spaces included; the seed's loader reads nothing at all as null
    assert sorted(found) == sorted(
        (
            number,
            reason,
            *(truth.rows[number - 1][column] or None for column in sample_events.COLUMNS),
        )
        for reason, numbers in truth.rejects.items()
        for number in numbers
    )


def test_answers_have_the_true_numbers(built, truth):
    days = Counter(utc(e.event_at).date() for s in truth.sessions for e in s.events)
    (busiest, most), (_, second) = days.most_common(2)
    assert busiest == sample_events.LAUNCH_DAY and most > 1.5 * second
    sizes = sorted(len(session.events) for session in truth.sessions)
    assert 80 <= sizes[-1] <= 120 and sizes[-1] > sizes[-2]

    days, sessions, largest, average = built.rows(
        """select answer, answer_value, unit, tie_count
        from product_answers order by question_number"""
    )
    assert days == (str(busiest), most, "events", 1)
    assert sessions[1:] == (len(truth.sessions), "sessions", None)
    assert largest == (str(sizes[-1]), sizes[-1], "events", 1)
    durations = [(utc(s.ended_at) - utc(s.started_at)) / MICROSECOND for s in truth.sessions]
    assert average[1] == pytest.approx(sum(durations) / len(durations) / 1_000_000)


def test_the_gaps_have_two_components(built):
    accepted, cut = built.row("select is_accepted, cut_seconds from timeout_fit")
    assert accepted
    assert 5 * 60 <= cut <= 8 * 3600
