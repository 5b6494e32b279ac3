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
    """Return three batches of real browsing and plays, from the folder next to the checkout."""
    return in_batches(
        read(REAL / "web_browsing" / "events.csv.gz", EVENTS),
        read(REAL / "media_plays" / "heartbeats.csv", HEARTBEATS),
    )


# ISO 8601 and what is near it; some of them are no times. There is none of the hour that Berlin has
# twice in autumn: Spark takes it for the first, others for the second.
TIMES = (
    "2025-03-18T10:00:00Z",
    "2025-03-18T10:00:00.5Z",
    "2025-03-18T10:00:00.123456Z",
    "2025-03-18 10:00:01",
    "2025-03-18T10:00:02",
    "2025-03-18 10:00:03.25",
    "2025-03-18T10:00:04+02:00",
    "2025-03-18T10:00:05-0330",
    "2025-03-18 10:00:06+00",
    "2025-03-18",
    "2025-07-18T10:00:00",
    "2025-03-18T11:00Z",
    "2025-03-18T12:00+02:00",
    "2025-03-18 12:00:01 +0200",
    "2025-03-18t12:00:02z",
    "2025-03-18T12:00:03,25",
    "20250318T120004+0100",
    "2025-03-18T12:00:05Z[UTC]",
    "2025-03-18T12:00:06+05:30:00",
    "2025-03-18 12:00:07 GMT",
    "2025-03-18T12:00:08.123456789Z",
    "2024-02-29T12:00:00",
    "1999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59Z",
    # in the hour that Berlin skips when summer time begins
    "2025-03-30T02:30:00",
    "2025-02-29T12:00:00",
    "2025-13-01T00:00:00Z",
    "2025-03-18T25:00:00Z",
    "2025-03-18T10:61:00Z",
    "18.03.2025 10:00",
    "2025-03-18 10:00:00 BST",
    "2025-03-18 10:00:00 EST",
    "yesterday",
    "now",
    "n/a",
    "",
    " ",
    None,
)


# milliseconds since 1970
EPOCHS = (
    "1742292000000",
    "1742292000000.5",
    "1742292000000.0005",
    "+1742292000000",
    "-1",
    "0",
    # too many digits for any time, and for 64 bits
    "999999999999999999",
    "9999999999999999999999",
    "2025-03-18",
    "12 000",
    "n/a",
    "",
    None,
)


def times():
    """Return a batch of one event and one heartbeat for each of the ways to write a time."""
    return one_of_each(TIMES, "2025-03-18T09:00:00Z")


def epochs():
    """Return the same of numbers."""
    return one_of_each(EPOCHS, "1742291000000")


def one_of_each(times, started):
    return {
        "events": table(
            EVENTS, [("view", f"u{i}", "1", t, "d", "web") for i, t in enumerate(times)], FIRST
        ),
        "heartbeats": table(
            HEARTBEATS, [(f"u{i}", "p", started, "s", "tv", t) for i, t in enumerate(times)], FIRST
        ),
    }


def read(path, columns):
    """Return rows of a CSV, as tuples of the columns; an empty field is null."""
    open_text = gzip.open if path.suffix == ".gz" else open
    with open_text(path, "rt", newline="") as file:
        return [tuple(row[c] or None for c in columns) for row in csv.DictReader(file)]


def in_batches(events, heartbeats):
    """Deal rows out to three batches.

    Neighbours in time stay together, but the time between two may come last: then it joins what
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
                "heartbeats": table(HEARTBEATS, heartbeats[number], loaded_at),
            }
        )
    return batches


def dealt(draw, rows, time, length):
    """Return three lists of rows; times that begin with the same `length` letters stay together."""
    batch_of, batches = {}, ([], [], [])
    for row in rows:
        period = (row[time] or "")[:length]
        batch = batch_of.setdefault(period, draw.randrange(3))
        batches[draw.randrange(3) if draw.random() < 0.1 else batch].append(row)
    for batch in batches:
        draw.shuffle(batch)
    return batches


def table(columns, rows, loaded_at):
    """Return rows as an Arrow table of texts, with their load times, or the one of all."""
    values = list(zip(*rows, strict=True)) or [[] for _ in columns]
    arrays = [pa.array(column, pa.string()) for column in values]
    loaded_at = loaded_at if isinstance(loaded_at, list) else [loaded_at] * len(rows)
    arrays.append(pa.array(loaded_at, pa.timestamp("us")))
    return pa.table(arrays, names=[*columns, "loaded_at"])
