"""A listener without Kafka: tests land the messages, and set the watermark."""

import json
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa

from dwell.dbt.runner import Dbt
from dwell.landing.folder import SCHEMA, Landing
from dwell.publishing.ledger import Ledger
from dwell.publishing.publisher import open_sink
from dwell.publishing.sinks import Folder
from dwell.streaming.circuit_breaker import CircuitBreaker
from dwell.streaming.listener import EPOCH, Listener

NOON = datetime(2025, 1, 1, 12)
TOPIC = "beats"


def at(text):
    """Return a moment after noon: at("3:10") is 12:03:10."""
    minutes, seconds = text.split(":")
    return NOON + timedelta(minutes=int(minutes), seconds=float(seconds))


def beats(session, first, last, every=4, **renamed):
    """Return [(received_at, payload)] of a viewer; renamed={"user_id": "userId"} renames a field.

    A heartbeat is received when it is sent. start_time is the first heartbeat's of the session,
    from which a viewer continues under the same name.
    """
    started = first if isinstance(first, datetime) else at(first)
    ends = at(last)
    found = []
    while started <= ends:
        fields = {
            "user_id": session,
            "program_id": "p",
            "start_time": f"{NOON.isoformat()}Z",
            "session_id": session,
            "device": "tv",
            "event_time": f"{started.isoformat()}Z",
        }
        fields = {renamed.get(name, name): value for name, value in fields.items()}
        found.append((started, json.dumps(fields).encode()))
        started += timedelta(seconds=every)
    return found


class Scene:
    """A listener and its folder: landing files, a database, a ledger, and published records."""

    def __init__(self, folder, **options):
        self.folder, self.options = folder, options
        self.landing = Landing(folder / "landing")
        self.messages = 0
        self.offsets: dict[int, int] = {}
        self.start()

    def start(self, **options):
        """Create a listener, as a new process does."""
        options = self.options | options
        self.settings = {"heartbeats_path": self.landing.pattern, "max_rejected_ratio": 1}
        self.settings |= options.get("settings", {})
        dbt = Dbt(self.folder / "dwell.duckdb", self.folder / "work", self.settings)
        sink = Folder(self.folder / "published")
        self.listener = Listener(
            dbt,
            self.landing,
            Ledger(self.folder / "dwell-published.duckdb", sink.name),
            sink,
            timedelta(seconds=5),
            CircuitBreaker(options.get("max_ratio", 0.2), options.get("min_count", 10)),
            options.get("accepts_invalid", False),
        )
        if hasattr(self, "dbt"):
            # parsed once, as nothing of the project changes
            dbt._manifest = self.dbt._manifest
        self.dbt = dbt
        open_sink(self.listener.ledger, sink)

    def land(self, messages, partition=0, share=(0, 1)):
        """Land a file of [(received_at, payload)], in the order of receipt."""
        messages = sorted(messages)
        if not messages:
            return None
        first = self.offsets.get(partition, 0)
        self.offsets[partition] = first + len(messages)
        self.messages += len(messages)
        times, payloads = zip(*messages, strict=True)
        batch = pa.record_batch(
            [
                pa.repeat(TOPIC, len(times)),
                pa.array([partition] * len(times), pa.int32()),
                pa.array(range(first, first + len(times)), pa.int64()),
                pa.array(times, pa.timestamp("us")),
                pa.array(payloads, pa.binary()),
            ],
            schema=SCHEMA,
        )
        return self.landing.write(TOPIC, share, [batch])

    def step(self, now):
        """Step with a watermark."""
        self.listener.step(self.messages, None if now is None else milliseconds(now))

    def play(self, messages, until, every=10, after_step=lambda now: None):
        """Land messages as they come, and step after each landing, until a moment."""
        messages, now = sorted(messages), NOON
        while now < at(until):
            now += timedelta(seconds=every)
            self.land([m for m in messages if now - timedelta(seconds=every) <= m[0] < now])
            self.step(now)
            after_step(now)

    def published(self):
        """Return every record that was published, in order."""
        paths = sorted((self.folder / "published").glob("*.jsonl"))
        return [json.loads(line) for path in paths for line in path.read_text().splitlines()]

    def streams(self):
        """[(session, first, last)] of published streams, unless retracted, in time after noon."""
        last = {}
        for record in self.published():
            assert (
                record["revision"] == last.get(record["stream_id"], {"revision": 0})["revision"] + 1
            )
            last[record["stream_id"]] = record
        return sorted(
            (
                r["session_id"],
                after_noon(r["first_heartbeat_at"]),
                after_noon(r["last_heartbeat_at"]),
            )
            for r in last.values()
            if not r["is_retracted"]
        )

    def rows(self, query):
        """Return what a query of the database gives."""
        with duckdb.connect(str(self.folder / "dwell.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()


def milliseconds(moment):
    return (moment - EPOCH) // timedelta(milliseconds=1)


def after_noon(text):
    seconds = (datetime.fromisoformat(text).replace(tzinfo=None) - NOON).total_seconds()
    return f"{seconds // 60:.0f}:{seconds % 60:02.0f}"
