"""Events and heartbeats as a warehouse gets them: in batches, out of order, some rows broken.

A batch is {table: Arrow table}, of text columns and `loaded_at`.
"""

import csv
import gzip
import random
from datetime import datetime, timedelta

import pyarrow as pa
from engine import ROOT

REAL = ROOT.parent / "shared" / "data"
EVENTS = ("event_name", "user_id", "app_version", "event_time", "device_id", "client")
HEARTBEATS = ("user_id", "program_id", "start_time", "session_id", "device", "event_time")
# the second batch comes within the day that is read again, the third after it
FIRST = datetime(2026, 1, 10)
LOADED = (FIRST, FIRST + timedelta(hours=6), FIRST + timedelta(days=4))


def sample_in_batches():
    """Return three batches of the sample."""
    return in_batches(
        read(ROOT / "seeds" / "events.csv", EVENTS),
        read(ROOT / "seeds" / "watch_heartbeats.csv", HEARTBEATS),
    )


def real_in_batches():
    """Return three batches of real browsing and real plays, which stand beside the checkout."""
    return in_batches(
        read(REAL / "web_browsing" / "events.csv.gz", EVENTS),
        read(REAL / "media_plays" / "heartbeats.csv", HEARTBEATS),
    )


def read(path, columns):
    """Return rows of a CSV, as tuples of the columns; an empty field is null."""
    open_text = gzip.open if path.suffix == ".gz" else open
    with open_text(path, "rt", newline="") as file:
        return [tuple(row[c] or None for c in columns) for row in csv.DictReader(file)]


def in_batches(events, heartbeats):
    """Deal rows out to three batches.

    Neighbours in time stay together, but the stretch between two may come last: then it joins what
    was apart. One row in ten goes anywhere.
    """
    draw = random.Random(7)
    events = dealt(draw, events, EVENTS.index("event_time"), 15)
    heartbeats = dealt(draw, heartbeats, HEARTBEATS.index("event_time"), 18)
    batches = []
    for number, loaded_at in enumerate(LOADED):
        # some events of the second were written late, under a load time before the first's
        times = [
            FIRST - timedelta(hours=5) if number == 1 and i % 7 == 0 else loaded_at
            for i, _ in enumerate(events[number])
        ]
        batches.append(
            {
                "events": table(EVENTS, events[number], times),
                "heartbeats": table(
                    HEARTBEATS, heartbeats[number], [loaded_at] * len(heartbeats[number])
                ),
            }
        )
    return batches


def dealt(draw, rows, time, length):
    """Return three lists of rows; times that begin with the same `length` letters stay together."""
    batch_of, batches = {}, ([], [], [])
    for row in rows:
        stretch = (row[time] or "")[:length]
        batch = batch_of.setdefault(stretch, draw.randrange(3))
        batches[draw.randrange(3) if draw.random() < 0.1 else batch].append(row)
    for batch in batches:
        draw.shuffle(batch)
    return batches


def table(columns, rows, loaded_at):
    """Return rows as an Arrow table of texts, with their load times."""
    values = list(zip(*rows, strict=True)) or [[] for _ in columns]
    arrays = [pa.array(column, pa.string()) for column in values]
    arrays.append(pa.array(loaded_at, pa.timestamp("us")))
    return pa.table(arrays, names=[*columns, "loaded_at"])
