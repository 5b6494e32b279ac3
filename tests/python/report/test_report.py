"""The page: its content, and how it looks in a real browser."""

import json
import os
import re
import shutil
import subprocess
import sys

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from support.browser import opened, running_browser
from support.events import write_events
from support.project import ROOT, Project

from dwell.report import charts, formatting, marts

MARKUP = '<img src=x onerror="window.hacked=1">'
SCRIPT = "</script><script>window.hacked=1</script>"
LONG = "endless" * 300
RIGHT_TO_LEFT = "\u202e\u05e9\u05dc\u05d5\u05dd"
HOSTILE = [MARKUP, SCRIPT, LONG, RIGHT_TO_LEFT, "{{ 7 * 7 }}", 'it\'s "quoted" & 50%']

# Of three visits by hand: of 20 s, 60 s and, of one event, 0 s. Their days are 100 apart.
EVENTS = [
    *((name, "u1", f"2025-01-01T23:00:{4 * i:02}Z") for i, name in enumerate(HOSTILE)),
    ("view", "<b>u2</b>", "2025-01-01T12:00:00Z"),
    ("view", "<b>u2</b>", "2025-01-01T12:01:00Z"),
    ("view", "u1", "2025-04-11T00:30:00Z"),
    ("view", "u1", "never"),
]


def written(database, page):
    """Write the page of a database as the command does; return it."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dwell", "report"),
            *("--database", str(database), "--output", str(page)),
        ],
        cwd=ROOT,
        # what is named goes before it
        env=os.environ | {"DWELL_DATABASE": "none.duckdb"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return page


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("sample"))
    project.run("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    return project


@pytest.fixture(scope="module")
def sample_page(sample):
    return written(sample.database, sample.folder / "report.html")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    events = write_events(folder / "events.csv", EVENTS)
    project = Project(folder, events_path=str(events), session_start_events=[SCRIPT])
    project.run("run", "--selector", "events")
    return project


@pytest.fixture(scope="module")
def hostile_page(hostile):
    return written(hostile.database, hostile.folder / "report.html")


@pytest.fixture(scope="module")
def browser():
    with running_browser() as browser:
        yield browser


def text_of(page, selector="body"):
    return page.locator(selector).inner_text()


# -- Content -------------------------------------------------------------------------------------


def test_it_answers_the_four_questions(browser, sample_page):
    """By the numbers of README.md."""
    with opened(browser, sample_page) as page:
        found = page.locator(".answers .number").all_inner_texts()
        assert [number.replace(formatting.NO_BREAK_SPACE, " ") for number in found] == [
            "18 March 2025",
            "517 sessions",
            "107 events",
            "4 min 12 s",
        ]
        text = text_of(page)
        assert "sessions with more than one event average 4 min 54 s" in text
        assert "Sample data · 3 March to 30 March 2025" in text
        for assumption in page.locator(".answers .note").all_inner_texts():
            assert assumption.startswith("Assumed: ")
        quality = text_of(page, "section:has(#quality)")
        for number in ("3,089", "3,000", "60", "29", "990", "965", "25"):
            assert re.search(rf"^{number}$", quality, re.M), number


def test_the_tables_have_what_was_counted_by_hand(browser, hostile_page):
    with opened(browser, hostile_page) as page:
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")

        def rows(figure):
            return [
                [
                    t.replace(formatting.NO_BREAK_SPACE, " ")
                    for t in row.locator("th, td").all_inner_texts()
                ]
                for row in page.locator(f"#{figure} tbody tr").all()
            ]

        days = rows("days")
        assert len(days) == 101
        assert days[0] == ["Wed 1 January 2025", "8", "3"]
        assert days[1] == ["Thu 2 January 2025", "0", "0"]
        assert days[-1] == ["Fri 11 April 2025", "1", "1"]
        # the event that starts a session cuts the visit of 20 s after its first 0 s
        assert rows("session_lengths") == [
            ["under 10 s", "2", "50%"],
            ["10–30 s", "1", "25%"],
            ["30 s–1 min", "0", "0%"],
            ["1–2 min", "1", "25%"],
        ]
        assert rows("session_sizes")[:2] == [["1 event", "2", "50%"], ["2 events", "1", "25%"]]
        assert rows("user_days") == [["1 session", "2", "67%"], ["2 sessions", "1", "33%"]]
        assert rows("rejected_events") == [["unreadable event time", "1", "100%"]]


def test_it_states_its_sources_and_settings(browser, hostile_page):
    with opened(browser, hostile_page) as page:
        made = text_of(page, "section:has(#made)")
        assert "events.csv" in made and "dwell.duckdb" in made
        assert re.search(r"session_timeout_minutes\s+30", made)
        assert page.locator("#made ~ p time").count() == 2


def test_parts_without_data_are_not_mentioned(browser, sample, hostile_page, tmp_path):
    with opened(browser, hostile_page) as page:
        assert "stream" not in text_of(page)
    watch = shutil.copy(sample.database, tmp_path)
    with duckdb.connect(str(watch)) as connection:
        connection.execute("drop view event_reconciliation")
    with opened(browser, written(watch, tmp_path / "watch.html")) as page:
        assert page.locator("h1").inner_text() == "Watch streams"
        assert not re.search("answer|visitor|timeout_minutes", text_of(page), re.I)


def test_an_empty_database_gives_a_page_that_explains_it(browser, tmp_path):
    project = Project(tmp_path, events_path=str(write_events(tmp_path / "none.csv", [])))
    project.run("run", "--selector", "events")
    page_of_nothing = written(project.database, tmp_path / "report.html")
    assert page_of_nothing.stat().st_size < 20_000
    with opened(browser, page_of_nothing) as page:
        assert "There is nothing to show yet" in text_of(page)
        assert accessible(page)


def test_without_a_build_the_error_states_what_to_do(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "dwell", "report", "--output", str(tmp_path / "report.html")],
        cwd=ROOT,
        env=os.environ | {"DWELL_DATABASE": str(tmp_path / "none.duckdb")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "build first, with make" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "report.html").exists()


def test_nothing_secret_is_in_it(hostile, tmp_path):
    database = shutil.copy(hostile.database, tmp_path)
    address = "https://user:pa55@example.com:8443/events/a.csv?X-Amz-Signature=51gn#pa55"
    with duckdb.connect(str(database)) as connection:
        connection.execute("update dwell_event_loads set source = ?", [address])
        connection.execute(
            """update dwell_event_loads set settings = json_merge_patch(
            settings, '{"pseudonym_key": "f1n9erpr1nt", "input": "s3://user:pa55@bucket/*.csv"}')"""
        )
    html = written(database, tmp_path / "report.html").read_text()
    assert "https://example.com:8443/events/a.csv" in html
    for secret in ("pa55", "51gn", "f1n9erpr1nt", "user:"):
        assert secret not in html


def test_it_is_less_than_a_megabyte(sample_page):
    assert sample_page.stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("days", "unit", "bars"), [(700, "day", 700), (3653, "week", 522), (36524, "month", 1200)]
)
def test_many_days_become_weeks_or_months(days, unit, bars):
    with duckdb.connect() as connection:
        connection.execute(
            """create table daily_activity as
            select date '2001-01-01' + i::integer as activity_date, 2 as events
            from range(?) as days(i)""",
            [days],
        )
        rows = marts.Marts(connection).by_day("daily_activity", ["events"])
    assert {row["unit"] for row in rows} == {unit}
    assert len(rows) == bars
    assert sum(row["events"] for row in rows) == 2 * days


@pytest.mark.parametrize(("minutes", "width"), [(700, 1), (1440, 5), (525_600, 1440)])
def test_many_minutes_become_longer_and_keep_the_most(minutes, width):
    with duckdb.connect() as connection:
        connection.execute(
            """create table watch_concurrency as
            select timestamp '2025-01-01' + to_minutes(i) as minute_at,
                case when i = 333 then 99 else 1 end as streams
            from range(?) as minutes(i) where i <> 500""",
            [minutes],
        )
        rows = marts.Marts(connection).concurrency()
    assert {row["minutes"] for row in rows} == {width}
    assert len(rows) == -(-minutes // width)
    (peak,) = [row for row in rows if row["streams"] == 99]
    assert rows.index(peak) == 333 // width
    # a minute without streams is there, with none
    assert width > 1 or rows[500]["streams"] == 0


@pytest.mark.parametrize(
    ("moments", "names_days"),
    [
        (["2025-05-01", "2025-05-20"], "true"),
        (["2025-03-01T00:00Z", "2025-03-01T05:00Z"], "true"),
        (["2025-01-01", "2025-02-01", "2027-01-01"], "false"),
    ],
)
def test_the_first_of_a_month_is_named_as_a_day_among_days(moments, names_days):
    rows = [{"from": at, "to": at, "value": 1, "marked": False, "Day": at} for at in moments]
    drawn = charts.draw_timeline(rows, ["Day"], "", is_by_day=False)
    assert f"utcdate(datum.value) > 1 || {names_days} ?" in json.dumps(drawn)


# -- How it looks --------------------------------------------------------------------------------


def test_every_chart_is_drawn(browser, sample_page):
    with opened(browser, sample_page) as page:
        drawn = page.locator(".chart svg").all()
        assert len(drawn) == 11
        for chart in drawn:
            box = chart.bounding_box()
            assert box["width"] > 200 and box["height"] > 100
            assert chart.locator("path, line").count() > 3


def axis(page, figure):
    """Return the labels along the bottom of a chart."""
    return (
        page.locator(f"#{figure}-chart .role-axis-label").first.locator("text").all_text_contents()
    )


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Honolulu", "Pacific/Kiritimati"])
def test_days_and_minutes_are_the_same_in_every_time_zone(browser, sample_page, zone):
    with opened(browser, sample_page, zone=zone) as page:
        assert axis(page, "days")[:2] == ["3 Mar", "5 Mar"]
        assert axis(page, "concurrency")[0] == "19:00"
        page.locator("#days-chart path[fill='var(--mark)']").first.hover()
        tooltip = page.locator("#vg-tooltip-element.visible")
        tooltip.wait_for()
        shown = tooltip.inner_text()
        assert "Tue 18 March 2025" in shown and "538" in shown


def test_hostile_names_show_as_text(browser, hostile_page):
    with opened(browser, hostile_page, width=360) as page:
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        shown = page.locator("#names tbody th").all_inner_texts()
        for name in HOSTILE:
            assert formatting.name(name) in shown
        assert len(max(shown, key=len)) < 130
        chart = page.locator("#names-chart").text_content()
        assert "{{ 7 * 7 }}" in chart and "<img src=x" in chart
        bar = page.locator("#names-chart .mark-rect path")
        for i in range(bar.count()):
            bar.nth(i).hover()
        assert SCRIPT in text_of(page, ".settings")
        assert page.evaluate("window.hacked") is None
        assert page.locator("main img, main b").count() == 0
        assert not scrolls_sideways(page)


@pytest.mark.parametrize("width", [360, 800, 1280])
def test_nothing_is_wider_than_the_window(browser, sample_page, width):
    with opened(browser, sample_page, width=width) as page:
        assert not scrolls_sideways(page)
        for chart in page.locator(".chart").all():
            outer, inner = chart.bounding_box(), chart.locator("svg").bounding_box()
            assert inner["width"] <= outer["width"] + 1


def scrolls_sideways(page):
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_keeps_the_rules_of_accessibility(browser, sample_page, scheme):
    with opened(browser, sample_page, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert accessible(page)


def accessible(page):
    """Hold the page against axe's rules, contrast among them."""
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    return True


def test_every_chart_has_words_and_a_table(browser, sample_page):
    with opened(browser, sample_page) as page:
        for chart in page.locator(".chart").all():
            assert chart.get_attribute("role") == "img"
            assert len(chart.get_attribute("aria-label")) > 40
            table = chart.locator("xpath=../details//table")
            assert table.locator("thead th[scope=col]").count() > 1
            assert table.locator("tbody th[scope=row]").count() > 0


def test_colours_follow_the_system_at_once(browser, sample_page):
    colour = "getComputedStyle(document.querySelector('#names-chart .mark-rect path')).fill"
    with opened(browser, sample_page) as page:
        light = page.evaluate(colour)
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(colour) != light
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate(colour) == light


def test_keys_lead_through_the_page_and_into_a_chart(browser, hostile_page):
    with opened(browser, hostile_page) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        before = axis(page, "days")
        page.get_by_role("button", name="Closer").first.focus()
        page.keyboard.press("Enter")
        assert set(axis(page, "days")) != set(before)
        page.get_by_role("button", name="All").first.focus()
        page.keyboard.press("Enter")
        assert set(axis(page, "days")) == set(before)


def test_paper_gets_charts_and_no_controls(browser, hostile_page):
    with opened(browser, hostile_page) as page:
        page.emulate_media(media="print")
        assert page.locator(".chart svg").first.is_visible()
        for control in ("nav", ".zoom", "summary"):
            assert not page.locator(control).first.is_visible()
        assert page.pdf(format="A4").startswith(b"%PDF")


# -- Words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "–"),
        (0, "0 s"),
        (4.24, "4.2 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (106, "1 min 46 s"),
        (3600, "1 h"),
        (4090.5, "1 h 8 min"),
        (86400 * 3 + 3600 * 4, "3 d 4 h"),
    ],
)
def test_durations_are_formatted_for_people(seconds, expected):
    assert formatting.duration(seconds).replace(formatting.NO_BREAK_SPACE, " ") == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0, "0%"),
        (0.0001, "under 0.1%"),
        (0.0321, "3.2%"),
        (0.194, "19%"),
        (0.9999, "99.9%"),
        (1, "100%"),
    ],
)
def test_all_and_nothing_are_printed_only_if_exact(share, expected):
    assert formatting.percent(share) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("data/a?b.csv", "data/a?b.csv"),
        ("s3://bucket/a@b.csv", "s3://bucket/a@b.csv"),
        ("https://me:word@host/a.csv?token=1", "https://host/a.csv"),
        ("https://me:w@rd@host:1/a.csv", "https://host:1/a.csv"),
        ("https://host?token=1", "https://host"),
    ],
)
def test_addresses_are_printed_without_credentials(source, expected):
    assert formatting.location(source) == expected
