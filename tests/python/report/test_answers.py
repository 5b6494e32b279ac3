"""What the four answers say."""

import json

import pytest
from support.events import write_events

from dwell.cli.main import main


def answers(dwell):
    return [
        row[0] for row in dwell.rows("select answer from product_answers order by question_number")
    ]


def test_ties_are_told_as_ties(project, tmp_path):
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
    day, _, most, average = answers(dwell)
    assert day == "A tie of 2 days (2025-01-01, 2025-01-02), with 2 events each."
    assert most == "2, in a tie of 2 sessions (user ann, user bob)."
    assert average.startswith("600.000 s (10 min 00 s) over all sessions; 600.000 s")
    assert dwell.rows("select is_busiest from daily_activity") == [(True,), (True,)]


def test_cuts_and_ignored_events_are_told(project, tmp_path):
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
    _, session, _, _ = answers(dwell)
    assert session == (
        "The longest run of events of one visitor in which no gap is over 30 minutes, cut at "
        "midnight (Europe/Berlin) and after 0.5 hours and at the events open: 1 session by 1 "
        "visitor."
    )
    assumed = dwell.rows("select assumption from product_answers order by question_number")
    for (words,) in assumed[:3]:
        assert "Ignored events do not count: ping." in words
    assert assumed[2] == ("Every row counts. Ignored events do not count: ping.",)


def test_a_person_with_the_largest_sessions_is_named_once(project, tmp_path):
    rows = [("view", "ann", f"2025-01-0{day} 10:00") for day in (1, 2)]
    rows.append(("view", "bob", "2025-01-03 10:00"))
    dwell = project(events_path=str(write_events(tmp_path / "events.csv", rows)))
    dwell.run("run")
    assert answers(dwell)[2] == "1, in a tie of 3 sessions (user ann, user bob)."


def test_one_event_is_told_in_the_singular(project, tmp_path):
    path = write_events(tmp_path / "events.csv", [("view", "ann", "2025-01-01 10:00:00")])
    dwell = project(events_path=str(path))
    dwell.run("run")
    assert answers(dwell) == [
        "2025-01-01, with 1 event.",
        "The longest run of events of one visitor in which no gap is over 30 minutes: "
        "1 session by 1 visitor.",
        "1, in a session of user ann.",
        "0.000 s over all sessions; none without those of a single event; the median is 0.000 s.",
    ]


def test_no_events_are_told_as_none(project, tmp_path):
    dwell = project(events_path=str(write_events(tmp_path / "events.csv", [])))
    dwell.run("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "seed")
    assert answers(dwell) == [
        "On none: there are no events.",
        "The longest run of events of one visitor in which no gap is over 30 minutes: "
        "0 sessions by 0 visitors.",
        "None: there are no sessions.",
        "None: there are no sessions.",
    ]


@pytest.mark.parametrize(
    ("selector", "told", "untold"),
    [
        ("events", "2 rows read: 2 events, 0 duplicates, 0 rejected.", "Watch streams"),
        ("watch", "Watch streams: 1 ended, 0 going on; at most 1 at once", "Which day"),
    ],
)
def test_where_one_half_is_built_it_alone_is_told(
    project, tmp_path, capsys, selector, told, untold
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
        said = capsys.readouterr().out
        if arguments:
            known = json.loads(said)
            assert (known["events"] is None) == (selector == "watch")
            assert (known["heartbeats"] is None) == (selector == "events")
        else:
            assert told in said and untold not in said


def test_the_table_is_read_without_a_scroll_bar():
    from dwell.report.answers import table

    row = (1, "On which day?", "On a day " * 20, "It is assumed " * 20)
    assert max(len(line) for line in table([row], 60).splitlines()) <= 60


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
    assert dbt_vars.main() == 0
    assert json.loads(capsys.readouterr().out) == expected


def test_paths_with_an_open_quote_are_refused_with_a_sentence(monkeypatch, capsys):
    from dwell.dbt import vars as dbt_vars

    monkeypatch.setenv("EVENTS", "'a.csv")
    assert dbt_vars.main() == 2
    assert capsys.readouterr().err.startswith("dwell: EVENTS is no list of paths")


@pytest.mark.parametrize("given", ["{a: ", "[1, 2]"])
def test_settings_that_are_no_mapping_are_refused_with_a_sentence(monkeypatch, capsys, given):
    from dwell.dbt import vars as dbt_vars

    monkeypatch.setenv("VARS", given)
    assert dbt_vars.main() == 2
    assert capsys.readouterr().err.startswith("dwell: VARS")
