"""The four answers: in the table, and as sentences."""

import json
import subprocess
import sys
from datetime import date

import pytest
from support.events import write_events
from support.project import ROOT

from dwell.cli.main import main
from dwell.exceptions import UsageError
from dwell.report import formatting, sentences

ANSWERS = """select answer, answer_value, unit, tie_count, assumption
    from product_answers order by question_number"""
DEFAULTS = {
    "drop_exact_duplicates": True,
    "events_columns": {},
    "ignored_events": [],
    "reporting_timezone": "UTC",
    "session_key": ["device_id", "user_id"],
    "session_max_hours": None,
    "session_split_at_midnight": False,
    "session_start_events": [],
    "session_timeout_minutes": 30,
}


@pytest.fixture
def printed(capsys):
    """Return what `dwell answers --json` prints of a project: [(answer, assumption)]."""

    def read(project):
        database = f"--database={project.database}"
        assert main(["answers", database, "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)["answers"]
        return [(row["answer_text"], row["assumption_text"]) for row in rows]

    return read


# -- Of a database -------------------------------------------------------------------------------


def test_ties(project, tmp_path, printed):
    path = write_events(
        tmp_path / "events.csv",
        [
            (name, user, f"2025-01-0{day} 10:{minute}:00")
            for day, user in ((1, "ann"), (2, "bob"))
            for name, minute in (("view", "00"), ("click", "10"))
        ],
    )
    dwell = project(events_path=str(path))
    dwell.run("run")
    day, session, most, average = dwell.rows(ANSWERS)
    assert day[:4] == ("2025-01-01", 2, "events", 2)
    assert session[1:4] == (2, "sessions", None)
    assert most[:4] == ("2", 2, "events", 2)
    assert average[:4] == ("600.000", 600, "seconds", None)
    assert dwell.rows("select is_busiest from daily_activity") == [(True,), (True,)]
    day, session, most, average = (answer for answer, _ in printed(dwell))
    assert day == (
        "Two days tie for the busiest, with 2 events each: 1 January and 2 January 2025."
    )
    assert session.endswith(" There are 2 sessions by 2 visitors.")
    assert most == "Two sessions tie for the largest, with 2 events each (user ann and user bob)."
    assert average == (
        "The average session lasts 10 min. Half of all sessions last at most 10 min. "
        "Two sessions tie for the longest, with 10 min each."
    )


def test_cuts_and_ignored_events(project, tmp_path, printed):
    rows = [("open", "ann", "2025-01-01 10:00"), ("ping", "ann", "2025-01-01 10:01")]
    dwell = project(
        events_path=str(write_events(tmp_path / "events.csv", rows)),
        session_max_hours=0.5,
        session_split_at_midnight=True,
        session_start_events=["open"],
        ignored_events=["ping"],
        reporting_timezone="Europe/Berlin",
        drop_exact_duplicates=False,
    )
    dwell.run("run")
    assert [row[4] for row in dwell.rows(ANSWERS)] == [
        "events per day in Europe/Berlin; exact duplicates counted each time; ignored events: ping",
        "visitor: user_id and device_id; cut at midnight in Europe/Berlin; cut after 0.5 h; "
        "cut at events: open; ignored events: ping",
        "exact duplicates counted each time; ignored events: ping",
        "from the first to the last event; sessions of one event last 0 s",
    ]
    day, session, most, _ = printed(dwell)
    assert day[1] == (
        "Activity is the number of events. Days are calendar days in Europe/Berlin. "
        "Exact duplicates are counted each time. Events named ping are ignored."
    )
    assert session[0] == (
        "A session is a visitor's longest sequence of events without a gap of more than "
        "30 minutes. A session also ends at midnight (Europe/Berlin) and after 0.5 hours. "
        "An event named open starts a new session. There is 1 session by 1 visitor."
    )
    assert session[1] == (
        "A visitor is one user on one device. Visitors without a user ID are counted by device. "
        "Events named ping are ignored. "
        "There are too few gaps between events to suggest a timeout."
    )
    assert most[1] == "Exact duplicates are counted each time. Events named ping are ignored."


def test_a_person_with_the_largest_sessions_is_named_once(project, tmp_path, printed):
    rows = [("view", "ann", f"2025-01-0{day} 10:00") for day in (1, 2)]
    rows.append(("view", "bob", "2025-01-03 10:00"))
    dwell = project(events_path=str(write_events(tmp_path / "events.csv", rows)))
    dwell.run("run")
    assert dwell.rows(ANSWERS)[2][:4] == ("1", 1, "events", 3)
    assert printed(dwell)[2][0] == (
        "Three sessions tie for the largest, with 1 event each (user ann and user bob)."
    )


def test_of_many_that_tie_three_are_named(project, tmp_path, printed):
    rows = [("view", f"u{n}", f"2025-01-0{n} 10:00") for n in range(1, 6)]
    dwell = project(events_path=str(write_events(tmp_path / "events.csv", rows)))
    dwell.run("run")
    day, _, most, average = printed(dwell)
    assert day[0] == (
        "Five days tie for the busiest, with 1 event each: "
        "1 January, 2 January, 3 January 2025, and 2 more."
    )
    assert most[0] == (
        "Five sessions tie for the largest, with 1 event each (user u1, user u2, user u3, and "
        "2 more)."
    )
    assert average == (
        "The average session lasts 0 s: no session has more than one event.",
        "A session lasts from its first to its last event. "
        "5 sessions have a single event and last 0 s.",
    )


def test_one_event(project, tmp_path, printed):
    path = write_events(tmp_path / "events.csv", [("view", "ann", "2025-01-01 10:00:00")])
    dwell = project(events_path=str(path))
    dwell.run("run")
    assert [answer for answer, _ in printed(dwell)] == [
        "The busiest day was 1 January 2025, with 1 event.",
        "A session is a visitor's longest sequence of events without a gap of more than "
        "30 minutes. There is 1 session by 1 visitor.",
        "The largest session has 1 event (user ann).",
        "The average session lasts 0 s: no session has more than one event.",
    ]
    assert printed(dwell)[3][1].endswith(" 1 session has a single event and lasts 0 s.")


def test_no_events(project, tmp_path, printed):
    dwell = project(events_path=str(write_events(tmp_path / "events.csv", [])))
    dwell.run("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "seed")
    assert [row[:4] for row in dwell.rows(ANSWERS)] == [
        (None, None, "events", None),
        ("events of one visitor, gaps of at most 30 min", 0, "sessions", None),
        (None, None, "events", None),
        (None, None, "seconds", None),
    ]
    assert printed(dwell) == [
        (
            "There are no events.",
            "Activity is the number of events. Days are calendar days in UTC. "
            "Exact duplicates are counted once.",
        ),
        (
            "A session is a visitor's longest sequence of events without a gap of more than "
            "30 minutes. There are no sessions.",
            "A visitor is one user on one device. Visitors without a user ID are counted by "
            "device. There are too few gaps between events to suggest a timeout.",
        ),
        ("There are no sessions.", "Exact duplicates are counted once."),
        ("There are no sessions.", "A session lasts from its first to its last event."),
    ]


# -- Sentences -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"session_timeout_minutes": 1},
            "A session is a visitor's longest sequence of events without a gap of more than "
            "1 minute. The sample has 1,234 sessions by 1 visitor.",
        ),
        (
            {"session_max_hours": 1, "session_start_events": ["open", "log in", "play"]},
            "A session is a visitor's longest sequence of events without a gap of more than "
            "30 minutes. A session also ends after 1 hour. An event named open, log in, or play "
            "starts a new session. The sample has 1,234 sessions by 1 visitor.",
        ),
    ],
)
def test_the_definition_of_a_session(changed, expected):
    assert sentences.definition(DEFAULTS | changed, 1234, 1, is_sample=True) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (
            ["device_id"],
            "A visitor is one device. Visitors without a device ID are counted by user.",
        ),
        (["user_id"], "A visitor is one user. Visitors without a user ID are counted by device."),
    ],
)
def test_who_a_visitor_is(key, expected):
    assert sentences.about_visitors(DEFAULTS | {"session_key": key}, None) == expected


FIT = {
    "has_enough_gaps": True,
    "is_accepted": True,
    "cut_seconds": 3321.0,
    "elasticity": 0.02,
    "sessions_at_half_the_timeout": 1528,
    "sessions_at_double_the_timeout": 1514,
}


@pytest.mark.parametrize(
    ("changed", "has_cuts", "expected"),
    [
        (
            {},
            False,
            "The gaps between events suggest a timeout of 55 minutes, but the choice hardly "
            "matters: 15 minutes would give 1,528 sessions, and 60 minutes 1,514.",
        ),
        (
            {"elasticity": 0.11, "cut_seconds": 62},
            True,
            "The gaps between events suggest a timeout of 1 minute, and the choice matters: "
            "15 minutes would give, before the other limits, 1,528 sessions, "
            "and 60 minutes 1,514.",
        ),
        (
            {"is_accepted": False, "sessions_at_half_the_timeout": 1},
            False,
            "The gaps between events suggest no particular timeout, and the choice hardly "
            "matters: 15 minutes would give 1 session, and 60 minutes 1,514.",
        ),
        (
            {"is_accepted": False, "elasticity": 0.11},
            False,
            "The gaps between events suggest no particular timeout, but the choice matters: "
            "15 minutes would give 1,528 sessions, and 60 minutes 1,514.",
        ),
        (
            {"elasticity": None},
            False,
            "The gaps between events suggest a timeout of 55 minutes.",
        ),
        (
            {"has_enough_gaps": False},
            False,
            "There are too few gaps between events to suggest a timeout.",
        ),
    ],
)
def test_the_evidence_for_the_timeout(changed, has_cuts, expected):
    assert sentences.about_timeout(FIT | changed, 30, has_cuts) == expected


def test_an_event_id_distinguishes_duplicates():
    settings = DEFAULTS | {"events_columns": {"event_id": "id"}, "ignored_events": "ping"}
    assert sentences.about_events(settings) == [
        "Exact duplicates with the same event ID are counted once.",
        "Events named ping are ignored.",
    ]


@pytest.mark.parametrize(
    ("single", "expected"),
    [
        (0, "The average session lasts 36 min 51 s. Half of all sessions last at most 12 min. "),
        (
            9,
            "The average session lasts 36 min 51 s; sessions with more than one event average "
            "41 min 2 s. Half of all sessions last at most 12 min. ",
        ),
    ],
)
def test_the_average_duration(single, expected):
    summary = {
        "sessions": 20,
        "single_event_sessions": single,
        "mean_duration_seconds": 2211.352,
        "mean_duration_seconds_without_single_event_sessions": 2462.0,
        "median_duration_seconds": 720.0,
        "longest_duration_seconds": 4090.514,
    }
    assert sentences.durations(summary, 1) == expected + "The longest lasts 1 h 8 min."
    assert sentences.durations(summary, 12) == (
        expected + "12 sessions tie for the longest, with 1 h 8 min each."
    )
    single_event = (
        "9 sessions have a single event and last 0 s."
        if single
        else "No session has a single event."
    )
    assert sentences.about_durations(summary) == (
        f"A session lasts from its first to its last event. {single_event}"
    )


@pytest.mark.parametrize(
    ("days", "more", "expected"),
    [
        ([(2025, 3, 18)], 0, "18 March 2025"),
        ([(2024, 12, 31), (2025, 1, 1)], 0, "31 December 2024 and 1 January 2025"),
        (
            [(2025, 3, 18), (2025, 3, 19), (2025, 4, 2)],
            0,
            "18 March, 19 March, and 2 April 2025",
        ),
        ([(2025, 3, 18), (2025, 4, 2)], 1200, "18 March, 2 April 2025, and 1,200 more"),
    ],
)
def test_dates_in_a_sentence(days, more, expected):
    assert formatting.dates([date(*day) for day in days], more) == expected


def test_numbers_in_a_sentence():
    assert [formatting.spelled(n) for n in (1, 9, 10, 1234)] == ["one", "nine", "10", "1,234"]
    assert [formatting.quantity(n, "minute") for n in (1, 0.5, 1.0, 30)] == [
        *("1 minute", "0.5 minutes", "1 minute", "30 minutes"),
    ]
    assert formatting.joined(["a"]) == "a"
    assert formatting.joined(["a", "b"], "or") == "a or b"
    assert formatting.joined(["a", "b", "c"]) == "a, b, and c"


# -- What is printed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selector", "present", "absent"),
    [
        ("events", "2 rows read: 2 events, 0 duplicates, 0 rejected.", "Watch streams"),
        ("watch", "Watch streams: 1 ended, 0 ongoing; at most 1 at once", "Which day"),
    ],
)
def test_where_one_half_is_built_it_alone_is_printed(
    project, tmp_path, capsys, selector, present, absent
):
    rows = [("view", user, "2025-01-01 10:00") for user in ("ann", "bob")]
    beats = tmp_path / "beats.csv"
    beats.write_text(
        "user_id,program_id,start_time,session_id,device,event_time\n"
        "ann,news,2025-01-01 10:00,s,tv,2025-01-01 10:00\n"
    )
    dwell = project(
        events_path=str(write_events(tmp_path / "events.csv", rows)),
        heartbeats_path=str(beats),
        watch_as_of="2025-01-02T00:00:00Z",
    )
    dwell.run("build", "--selector", selector, "--exclude-resource-type", "unit_test")
    for arguments in ([], ["--json"]):
        database = f"--database={dwell.database}"
        assert main(["answers", database, *arguments]) == 0
        output = capsys.readouterr().out
        if arguments:
            known = json.loads(output)
            assert (known["events"] is None) == (selector == "watch")
            assert (known["heartbeats"] is None) == (selector == "events")
        else:
            assert present in output and absent not in output


def test_the_answers_need_no_charts():
    """Altair and vl-convert are not installed where streams are loaded into warehouses."""
    script = "import sys, dwell.report.answers; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert "duckdb" in done.stdout.split()
    assert not {"altair", "vl_convert"} & set(done.stdout.split())


def test_the_table_is_read_without_a_scroll_bar():
    from dwell.report.answers import format_table

    row = (1, "On which day?", "On a day " * 20, "It is assumed " * 20)
    assert max(len(line) for line in format_table([row], 60).splitlines()) <= 60


@pytest.mark.parametrize(
    ("events", "given", "expected"),
    [
        ("", "", {}),
        (
            "a.csv b.csv",
            "{session_timeout_minutes: 20}",
            {"events_path": ["a.csv", "b.csv"], "session_timeout_minutes": 20},
        ),
    ],
)
def test_make_passes_events_and_settings_on(monkeypatch, capsys, events, given, expected):
    import json

    from dwell.dbt import vars as dbt_vars

    monkeypatch.setenv("EVENTS", events)
    monkeypatch.setenv("VARS", given)
    dbt_vars.print_vars()
    assert json.loads(capsys.readouterr().out) == expected


def test_paths_with_an_open_quote_are_refused_with_a_sentence(monkeypatch, capsys):
    from dwell.dbt import vars as dbt_vars

    monkeypatch.setenv("EVENTS", "'a.csv")
    with pytest.raises(UsageError, match="EVENTS is not a list of paths"):
        dbt_vars.print_vars()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("given", ["{a: ", "[1, 2]"])
def test_settings_that_are_no_mapping_are_refused_with_a_sentence(monkeypatch, capsys, given):
    from dwell.dbt import vars as dbt_vars

    monkeypatch.setenv("VARS", given)
    with pytest.raises(UsageError, match=r"^VARS"):
        dbt_vars.print_vars()
    assert capsys.readouterr().out == ""
