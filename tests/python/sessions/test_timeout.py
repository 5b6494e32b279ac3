"""The evidence for the timeout, against plain Python and against a known truth."""

import math
import random
from collections import Counter
from datetime import datetime, timedelta
from statistics import mean, median

import duckdb
import pytest
from support.events import write_events
from support.oracles.sessions import EPOCH, Event, Rule, sessions_of
from support.project import Project

from dwell.report.marts import Marts
from dwell.report.sections.summary import add_sentences

START = datetime(2025, 1, 1)


def visits(draw, within, between, people=150, events=45):
    """Times per person; gaps are log-normal, eight around `within` seconds, one `between`."""
    for person in range(people):
        at = START + timedelta(seconds=draw.uniform(0, 86_400))
        for k in range(events):
            yield person, at
            middle, spread = (between, 0.6) if k % 9 == 8 else (within, 0.9)
            at += timedelta(seconds=round(draw.lognormvariate(math.log(middle), spread), 3) + 0.001)


def build(folder, events):
    path = write_events(
        folder / "events.csv",
        [("view", f"u{person}", at.isoformat(timespec="microseconds")) for person, at in events],
    )
    project = Project(folder, events_path=str(path))
    project.run("run")
    return project


def gaps_of(events):
    last, gaps = {}, []
    for person, at in sorted(events):
        if person in last and at > last[person]:
            gaps.append((at - last[person]) / timedelta(seconds=1))
        last[person] = at
    return gaps


def fit(gaps):
    """Fit two normal components to log10 gaps in bins of .05, as timeout_fit documents it."""
    bins = Counter(math.floor(math.log10(g) * 20) for g in gaps if g >= 0.001)
    points = [(b / 20 + 0.025, n) for b, n in sorted(bins.items())]
    total = sum(n for _, n in points)
    low = [(x, n) for x, n in points if x < math.log10(600)]
    high = [(x, n) for x, n in points if x >= math.log10(600)]
    p = sum(n for _, n in low) / total
    m = [sum(x * n for x, n in side) / sum(n for _, n in side) for side in (low, high)]
    s = [1.0, 0.5]
    before = None

    def density(x, mean, sd):
        return math.exp(-((x - mean) ** 2) / (2 * sd * sd)) / (sd * math.sqrt(2 * math.pi))

    for _ in range(300):
        share = [
            p
            * density(x, m[0], s[0])
            / (p * density(x, m[0], s[0]) + (1 - p) * density(x, m[1], s[1]) + 2e-300)
            for x, _ in points
        ]
        likelihood = sum(
            n * math.log(p * density(x, m[0], s[0]) + (1 - p) * density(x, m[1], s[1]) + 2e-300)
            for x, n in points
        )
        weights = [
            [n * r for (_, n), r in zip(points, share, strict=True)],
            [n * (1 - r) for (_, n), r in zip(points, share, strict=True)],
        ]
        m = [sum(w * x for w, (x, _) in zip(ws, points, strict=True)) / sum(ws) for ws in weights]
        s = [
            max(
                0.05,
                math.sqrt(
                    sum(w * (x - c) ** 2 for w, (x, _) in zip(ws, points, strict=True)) / sum(ws)
                ),
            )
            for ws, c in zip(weights, m, strict=True)
        ]
        p = sum(weights[0]) / total
        if before is not None and likelihood - before <= 1e-9 * abs(before):
            break
        before = likelihood
    # the crossing by bisection, not by the quadratic formula
    low_x, high_x = m
    for _ in range(200):
        middle = (low_x + high_x) / 2
        if p * density(middle, m[0], s[0]) > (1 - p) * density(middle, m[1], s[1]):
            low_x = middle
        else:
            high_x = middle
    return 10**low_x, p, math.sqrt(2) * abs(m[1] - m[0]) / math.hypot(*s)


def printed_assumption(project):
    """Return what `dwell answers` prints about the definition of a session."""
    with duckdb.connect(str(project.database), read_only=True) as connection:
        return add_sentences(Marts(connection))[1]["assumption_text"]


@pytest.fixture(scope="module")
def two_components(tmp_path_factory):
    events = list(visits(random.Random(3), within=25, between=20 * 3600))
    return build(tmp_path_factory.mktemp("two"), events), events


def test_the_fit_is_what_plain_python_fits(two_components):
    project, events = two_components
    cut, share, ashman_d = fit(gaps_of(events))
    found = project.row("select cut_seconds, share_within, ashman_d, is_accepted from timeout_fit")
    assert found[:3] == pytest.approx((cut, share, ashman_d), rel=1e-3)
    assert found[3] is True


def test_the_cut_finds_the_visits_that_were_made(two_components):
    """Eight gaps of nine were drawn as short ones: the cut must separate them from the rest."""
    project, events = two_components
    (cut,) = project.row("select cut_seconds from timeout_fit")
    gaps = gaps_of(events)
    assert sum(g <= cut for g in gaps) / len(gaps) == pytest.approx(40 / 44, abs=0.01)
    assert "The gaps between events suggest a timeout of " in printed_assumption(project)


def test_one_component_is_not_cut(tmp_path):
    """The answer states that the gaps suggest no timeout."""
    project = build(tmp_path, list(visits(random.Random(4), within=600, between=600)))
    assert project.row("select is_accepted from timeout_fit") == (False,)
    assert "The gaps between events suggest no particular timeout" in printed_assumption(project)


def test_the_sensitivity_is_what_sessions_would_be(two_components):
    project, events = two_components
    events = [
        Event(
            "view", f"u{person}", "1.0", (at - EPOCH) // timedelta(microseconds=1), "phone", "web"
        )
        for person, at in events
    ]
    expected = []
    for minutes in (5, 10, 15, 20, 30, 45, 60, 120):
        sessions, _ = sessions_of(events, Rule(timeout=minutes * 60_000_000))
        durations = [(s.ended - s.started) / 1e6 for s in sessions]
        expected.append(
            (
                minutes,
                len(sessions),
                mean(durations),
                median(durations),
                max(len(s.events) for s in sessions),
            )
        )
    found = project.rows(
        """select timeout_minutes, sessions, mean_duration_seconds, median_duration_seconds,
        most_events from timeout_sensitivity order by 1"""
    )
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other)
    half, at, double = (e[1] for e in expected if e[0] in (15, 30, 60))
    assert project.row(
        """select sessions_at_half_the_timeout, sessions_at_the_timeout,
        sessions_at_double_the_timeout, elasticity from timeout_fit"""
    ) == pytest.approx((half, at, double, -math.log(double / half) / math.log(4)))


def test_the_histogram_counts_every_gap(two_components):
    project, events = two_components
    expected = Counter(math.floor(math.log10(g) * 20) for g in gaps_of(events))
    found = dict(
        project.rows("select round(log10_seconds * 20 - 0.5)::int, gaps from timeout_gap_histogram")
    )
    # a gap on the very edge of a bin may fall to either side of it
    assert sum(found.values()) == sum(expected.values())
    assert sum(abs(found.get(b, 0) - n) for b, n in expected.items()) <= 2
