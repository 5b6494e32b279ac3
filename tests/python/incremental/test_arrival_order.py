"""After any sequence of runs, every mart equals a full refresh, and what the oracle computes.

Histories of many visitors, who have nothing to do with one another, arrive together in files whose
order, names and times are arbitrary. Times come from a tiny domain around every boundary.
"""

import csv
import itertools
import os
import random
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.oracles.sessions import EPOCH, Event, Rule, sessions_of
from support.project import MARTS, Project

MINUTE = 60 * 1_000_000
ZONE = "America/New_York"
# 23:00 in New York on the eve of a change to daylight-saving time
BASE = 1_741_492_800 * 1_000_000 + 3 * 3600 * 1_000_000
VISITORS, BATCHES = 240, 4
EVENTS = "stg_web__event_rows+"
# what the oracle knows; each run rebuilds the other marts from it
SESSIONS = ("+fct_sessions", "fct_events", "event_reconciliation")

OPTIONS = {
    "duplicates kept": {"drop_exact_duplicates": False},
    "key": {"session_key": ["user_id"]},
    "maximum": {"session_max_hours": 1},
    "midnight": {"session_split_at_midnight": True, "reporting_timezone": ZONE},
    "starts": {"session_start_events": ["Start"]},
    "ignored": {"ignored_events": ["noise"]},
    "device": {"session_key": "device_id"},
}
# Taguchi's L8: each two options are met in all four combinations of on and off.
L8 = ["0000000", "0001111", "0110011", "0111100", "1010101", "1011010", "1100110", "1101001"]
SETS = [
    tuple(name for name, bit in zip(OPTIONS, bits, strict=True) if bit == "1") for bits in L8
] + [("maximum", "midnight", "starts", "ignored")]

met = Counter()


def rule_of(names):
    key = ("device_id",) if "device" in names else ("user_id",) if "key" in names else None
    return Rule(
        key=key or ("user_id", "device_id"),
        max_length=60 * MINUTE if "maximum" in names else None,
        midnight_in=ZONE if "midnight" in names else None,
        starts=frozenset({"start"} if "starts" in names else ()),
        ignored=frozenset({"noise"} if "ignored" in names else ()),
        drop_duplicates="duplicates kept" not in names,
    )


def settings_of(names, folder):
    together = {"events_path": f"{folder}/*.csv"}
    for name in OPTIONS:
        if name in names:
            together |= OPTIONS[name]
    return together


def draw_histories(draw):
    """[[(step, microseconds off it, name, who, batch, batch of an equal row or None)]]."""
    return [
        draw_bridges(draw) if draw.random() < 0.2 else draw_anything(draw) for _ in range(VISITORS)
    ]


def draw_anything(draw):
    return [
        (
            # steps of a quarter of an hour, half the timeout: gaps are under, at and over it
            draw.randint(0, 12),
            draw.choice([0, 0, 0, -1, 1]),
            draw.choice(["view", "view", "start", "noise"]),
            draw.choice(["user and a", "user and a", "user and b", "a alone", "user alone"]),
            draw.randrange(BATCHES),
            draw.choice([None, None, None, None, *range(BATCHES)]),
        )
        for _ in range(draw.randint(1, 8))
    ]


def draw_bridges(draw):
    """Sessions an hour apart in one batch, and in another what lies between, at the timeout."""
    islands, bridges = draw.sample(range(BATCHES), 2)
    off = draw.choice([0, 0, 1])
    return [(step, 0, "view", "user and a", islands, None) for step in (0, 4, 8, 12)] + [
        (step, off, "view", "user and a", bridges, None) for step in (2, 6, 10)
    ]


def events_of(histories):
    """[(batch, Event)]."""
    for i, history in enumerate(histories):
        user, a, b = f"u{i}", f"a{i}", f"b{i}"
        who = {
            "user and a": (user, a),
            "user and b": (user, b),
            "a alone": (None, a),
            "user alone": (user, None),
        }
        for step, off, name, visitor, batch, copy in history:
            at = BASE + step * 15 * MINUTE + off
            event = Event(name, who[visitor][0], "1.0", at, who[visitor][1], "web")
            yield batch, event
            if copy is not None:
                yield copy, event


def write(path, events, modified):
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["event_name", "user_id", "app_version", "event_time", "device_id", "client"])
        for e in events:
            time = (EPOCH + timedelta(microseconds=e.at)).isoformat()
            out.writerow([e.name, e.user or "", e.version, time, e.device or "", e.client])
        out.writerow(["", "", "", "no time and no user", "", ""])
    os.utime(path, (modified, modified))


def timestamp(microseconds):
    return EPOCH + timedelta(microseconds=microseconds)


def count_what_was_met(before, after, batches, names, rule):
    ended = {(s.visitor, s.island_started) for s in before}
    for visitor, sessions in itertools.groupby(after, lambda s: s.visitor):
        for _, parts in itertools.groupby(sessions, lambda s: s.island_started):
            parts = list(parts)
            joined = sum(
                parts[0].started <= start <= parts[-1].ended
                for theirs, start in ended
                if theirs == visitor
            )
            met["joins of two"] += joined == 2
            met["joins of three or more"] += joined >= 3
            met["sessions of several events"] += any(len(p.events) > 1 for p in parts)
            for p in parts:
                met["ties"] += len({e.at for e in p.events}) < len(p.events)
            for one, other in itertools.pairwise(parts):
                gap = other.started - one.ended
                met["cut within an island"] += 0 < gap <= rule.timeout


@pytest.mark.parametrize("names", SETS, ids=lambda n: " + ".join(n) or "no options")
def test_any_arrival_order_equals_a_full_refresh_and_the_oracle(names, tmp_path_factory):
    folder = tmp_path_factory.mktemp("order")
    landing, other = folder / "landing", folder / "full" / "dwell.duckdb"
    other.parent.mkdir()
    project = Project(folder, **settings_of(names, landing))
    database, rule = project.database, rule_of(names)

    @settings(
        max_examples=int(os.environ.get("DWELL_EXAMPLES", "1")),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        # an example takes seconds; what differs names its visitor, whose history is short
        phases=[Phase.generate],
    )
    # a seed, so that no example is the simplest of all, in which nothing is late
    @given(st.integers(0, 2**32))
    def check(seed):
        draw = random.Random(f"{seed} {names}")
        histories = draw_histories(draw)
        order, ages = (draw.sample(range(BATCHES), BATCHES) for _ in range(2))
        shutil.rmtree(landing, ignore_errors=True)
        landing.mkdir()
        for path in (database, other):
            path.unlink(missing_ok=True)
        batches = [[] for _ in range(BATCHES)]
        for batch, e in events_of(histories):
            batches[batch].append(e)
        arrived, before = [], []
        for batch in order:
            name = landing / f"{batch}.csv"
            write(name, batches[batch], 1_760_000_000 + ages[batch])
            seen = set(arrived)
            met["late copies"] += any(e in seen for e in batches[batch])
            met["copies whose file sorts first, but comes later"] += any(
                e in batches[b]
                for b in order[: order.index(batch)]
                if b > batch
                for e in batches[batch]
            )
            arrived += batches[batch]
            project.run("run", "--select", *(SESSIONS if batch != order[-1] else [EVENTS]))
            sessions = compare_with_oracle(project, arrived, order.index(batch) + 1, rule)
            count_what_was_met(before, sessions, batches, names, rule)
            before = sessions
        incremental = {mart: stored(project, mart) for mart in MARTS}
        project.database = other
        project.run("run", "--select", EVENTS, full_refresh=True)
        for mart in MARTS:
            assert incremental[mart] == stored(project, mart), mart
        project.database = database
        met["histories"] += len(histories)
        for one, other_name in itertools.combinations(sorted(names), 2):
            met[f"{one} with {other_name}"] += 1

    check()


def stored(project, mart):
    if mart == "event_reconciliation":
        # which of two equal rows in two files is the duplicate may follow the order of arrival
        query = """select source, rows_read, rows_rejected, is_balanced,
            sum(rows_accepted) over (), sum(rows_duplicate) over () from event_reconciliation"""
    else:
        query = f"from {mart}"
    return project.rows(f"select * from ({query}) as mart order by all")


def compare_with_oracle(project, arrived, files, rule):
    sessions, dropped = sessions_of(arrived, rule)
    expected = sorted(
        (
            str(s.visitor),
            s.number,
            timestamp(s.started),
            timestamp(s.ended),
            len(s.events),
            timestamp(s.island_started),
            None if s.previous_ended is None else (s.started - s.previous_ended) / 1e6,
            (s.ended - s.started) / 1e6,
        )
        for s in sessions
    )
    user = {("device_id",): "case when device_id is null then user_id end"}.get(rule.key, "user_id")
    device = {("user_id",): "case when user_id is null then device_id end"}.get(
        rule.key, "device_id"
    )
    found = project.rows(
        f"""select {user}, {device}, session_number, started_at, ended_at, event_count,
        island_started_at, seconds_since_previous_session, duration_seconds from fct_sessions"""
    )
    assert sorted((str(r[:2]), *r[2:]) for r in found) == expected
    in_sessions = sum(len(s.events) for s in sessions)
    events = project.row("select count(*), count(session_id), sum(is_ignored::int) from fct_events")
    accepted = len(arrived) - dropped
    assert events == (accepted, in_sessions, accepted - in_sessions)
    assert project.row(
        """select sum(rows_read), sum(rows_accepted), sum(rows_duplicate), sum(rows_rejected),
        bool_and(is_balanced) from event_reconciliation"""
    ) == (len(arrived) + files, accepted, dropped, files, True)
    return sorted(sessions, key=lambda s: (str(s.visitor), s.started))


def test_the_histories_met_what_they_must():
    """Runs after the test above: without these, it would prove less than it claims."""
    if not met:
        pytest.skip("only with the test above")
    assert met["histories"] >= 2000
    for what in (
        "joins of two",
        "joins of three or more",
        "late copies",
        "copies whose file sorts first, but comes later",
        "ties",
        "cut within an island",
        "sessions of several events",
    ):
        assert met[what] >= 20, (what, met)
    for one, other in itertools.combinations(sorted(OPTIONS), 2):
        if {one, other} != {"key", "device"}:
            assert met[f"{one} with {other}"] > 0, (one, other)
    print(Path(__file__).stem, dict(met))
