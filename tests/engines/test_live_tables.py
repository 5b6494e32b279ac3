"""A loader appends to both tables while dbt runs: nothing is lost or counted twice.

Each append becomes visible some time after its load time, as transactions that commit late do.
"""

import random
import threading
import time
from datetime import UTC, datetime, timedelta

import batches
import pytest
from engine import ENGINES, engines
from runs import by_load_time
from support.oracles.sessions import EPOCH, Event, Rule, sessions_of
from support.oracles.streams import Message, streams_of

SETTLE_SECONDS = 2
# how long after its load time an append is there, at most
LATE_SECONDS = 1.5
OVERLAPS, RUNS = 200, 3
NOON = datetime(2026, 3, 1, 12)
MICRO = timedelta(microseconds=1)
# what stores rows, and what is asserted of them
MODELS = (
    *("int_web__events_sessionized", "int_web__sessions", "int_web__sessions_numbered"),
    *("fct_sessions", "event_reconciliation", "int_watch__streams_with_status"),
    *("stg_watch__heartbeats", "int_watch__streams", "int_watch__watermark", "fct_watch_streams"),
    *("ongoing_watch_streams", "heartbeat_reconciliation"),
)


class Loader(threading.Thread):
    """Appends rows until it is stopped, and knows what it has appended."""

    def __init__(self, engine):
        super().__init__(daemon=True)
        self.engine, self.draw = engine, random.Random(11)
        self.events, self.heartbeats = [], []
        self.appends = 0
        self.stopped = threading.Event()
        self.failed = None

    def run(self):
        try:
            while not self.stopped.is_set():
                self.append()
        except Exception as error:
            self.failed = error

    def append(self):
        loaded_at = datetime.now(UTC).replace(tzinfo=None)
        time.sleep(self.draw.random() * LATE_SECONDS * (self.draw.random() < 0.2))
        table = self.draw.choice(("events", "heartbeats"))
        make, columns = {
            "events": (self.event, batches.EVENTS),
            "heartbeats": (self.heartbeat, batches.HEARTBEATS),
        }[table]
        rows = [make() for _ in range(self.draw.randrange(1, 8))]
        self.engine.load(table, batches.table(columns, rows, loaded_at))
        getattr(self, table).extend(rows)
        self.appends += 1

    def event(self):
        # of few visitors, so that islands grow, join and split all the time
        at = NOON + timedelta(seconds=self.draw.randrange(200_000), milliseconds=len(self.events))
        user = f"u{self.draw.randrange(20)}"
        return ("view", user, "1", at.isoformat(timespec="milliseconds") + "Z", "d", "web")

    def heartbeat(self):
        at = NOON + timedelta(
            seconds=self.draw.randrange(20_000), milliseconds=len(self.heartbeats)
        )
        user = f"u{self.draw.randrange(20)}"
        return (
            user,
            "p",
            f"{NOON:%Y-%m-%dT%H:%M:%SZ}",
            "s",
            "tv",
            f"{at.isoformat('T', 'milliseconds')}Z",
        )

    def stop(self):
        self.stopped.set()
        self.join()
        if self.failed:
            raise self.failed


@pytest.mark.parametrize("name", engines(*ENGINES, long=("ducklake", "spark", "bigquery")))
def test_appends_during_runs_are_loaded_once(name, request):
    engine = request.getfixturevalue(name)
    engine.begin("live")
    loader = Loader(engine)
    for table in ("event", "heartbeat"):
        # both tables are there before the first run
        while not getattr(loader, f"{table}s"):
            loader.append()
    settings = by_load_time(engine) | {"load_settle_seconds": SETTLE_SECONDS}
    overlapped = runs = 0
    loader.start()
    try:
        while overlapped < OVERLAPS or runs < RUNS:
            before = loader.appends
            engine.dbt("run", "--select", *MODELS, **settings)
            overlapped += loader.appends - before
            runs += 1
            assert_balanced(engine)
            assert not loader.failed, loader.failed
    finally:
        loader.stop()
    time.sleep(SETTLE_SECONDS + 1)
    engine.dbt("run", "--select", *MODELS, **settings)
    assert_balanced(engine)
    print(f"{name}: {overlapped} appends during {runs} runs")
    assert rows_read(engine) == {
        "event_reconciliation": len(loader.events),
        "heartbeat_reconciliation": len(loader.heartbeats),
    }
    assert sessions(engine) == true_sessions(loader.events)
    assert streams(engine) == true_streams(loader.heartbeats)


def assert_balanced(engine):
    for mart in ("event_reconciliation", "heartbeat_reconciliation"):
        columns, rows = engine.rows(mart)
        assert all(row[columns.index("is_balanced")] for row in rows), rows


def rows_read(engine):
    found = {}
    for mart in ("event_reconciliation", "heartbeat_reconciliation"):
        columns, rows = engine.rows(mart)
        found[mart] = sum(row[columns.index("rows_read")] for row in rows)
    return found


def picked(engine, mart, *wanted):
    columns, rows = engine.rows(mart)
    return sorted(tuple(row[columns.index(c)] for c in wanted) for row in rows)


def sessions(engine):
    return picked(
        engine, "fct_sessions", "user_id", "started_at", "ended_at", "event_count", "session_number"
    )


def streams(engine):
    wanted = ("user_id", "first_heartbeat_at", "last_heartbeat_at", "heartbeats")
    return sorted(
        picked(engine, "fct_watch_streams", *wanted)
        + picked(engine, "ongoing_watch_streams", *wanted)
    )


def microseconds(text):
    return (datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None) - EPOCH) // MICRO


def moment(us):
    return EPOCH + us * MICRO


def true_sessions(rows):
    events = [Event(n, u, v, microseconds(t), d, c) for n, u, v, t, d, c in rows]
    found, _ = sessions_of(events, Rule())
    return sorted(
        (s.visitor[0], moment(s.started), moment(s.ended), len(s.events), s.number) for s in found
    )


def true_streams(rows):
    messages = [
        Message(0, i, 10**18, (s, u, d, p, microseconds(start)), microseconds(at))
        for i, (u, p, start, s, d, at) in enumerate(rows)
    ]
    found, _, _ = streams_of(messages)
    return sorted((s.key[1], moment(s.first), moment(s.last), s.heartbeats) for s in found)
