"""The true streams of a simulation, and those that published records leave."""

import csv
import io
from collections import Counter
from datetime import datetime

from dwell.sample.heartbeats import Plan, streams
from dwell.sample.simulate import write_truth

PLAN = Plan(viewers=60, minutes=20, late=0.2, broken=0.01)


def truth(plan=PLAN):
    """Counter of the true streams, as (six fields, first, last, heartbeats)."""
    out = io.StringIO()
    write_truth(out, streams(plan))
    out.seek(0)
    return Counter(
        (
            row["user_id"],
            row["program_id"],
            when(row["start_time"]),
            row["session_id"],
            row["device"],
            float(row["stream_duration"]),
            when(row["first_heartbeat_at"]),
            when(row["last_heartbeat_at"]),
            int(row["heartbeats"]),
        )
        for row in csv.DictReader(out)
    )


def when(text):
    return datetime.fromisoformat(text)


def current_streams(records):
    """The last record of each stream, unless it is a retraction; revisions must be consecutive."""
    last = {}
    for record in records:
        before = last.get(record["stream_id"], {"revision": 0})
        assert record["revision"] == before["revision"] + 1, (before, record)
        last[record["stream_id"]] = record
    return Counter(
        (
            r["user_id"],
            r["program_id"],
            when(r["start_time"]),
            r["session_id"],
            r["device"],
            r["stream_duration"],
            when(r["first_heartbeat_at"]),
            when(r["last_heartbeat_at"]),
            r["heartbeats"],
        )
        for r in last.values()
        if not r["is_retracted"]
    )
