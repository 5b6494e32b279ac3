"""Heartbeats drawn at random, as a broker stores them, and as landing files hold them."""

import itertools
import json
from collections import Counter
from datetime import timedelta

import duckdb
from support.oracles.sessions import EPOCH
from support.oracles.streams import MICRO, Message

BASE = 1_742_328_000 * MICRO  # 2025-03-18 20:00 UTC
# the epoch, and a year far in the future
IMPOSSIBLE_STARTS = [0, 253_370_764_800 * MICRO]
PARTITIONS, RANGES, KEYS = 2, 3, 180


def time(microseconds):
    return EPOCH + timedelta(microseconds=microseconds)


def draw_messages(draw):
    """Messages of many streams, in an order that has little to do with their times."""
    drawn = []
    for i in range(KEYS):
        start = BASE + draw.choice([0, 0, 30, 60, -61, 90]) * MICRO
        key = (f"s{i // 2}", f"u{i // 4}", draw.choice(["tv", "phone"]), f"p{i % 2}", start)
        for _ in range(draw.randint(1, 7)):
            # steps of half the timeout: gaps are under, at and over it
            at = BASE + draw.randint(0, 12) * 30 * MICRO + draw.choice([0, 0, 0, -1000, 1, 1000])
            drawn.append((key, at))
            if draw.random() < 0.1:
                drawn.append((key, at))
        if draw.random() < 0.1:
            drawn.append((None, None))
        if draw.random() < 0.1:
            drawn.append((key, BASE + 400 * 86_400 * MICRO))
        if draw.random() < 0.1:
            drawn.append(((*key[:-1], draw.choice(IMPOSSIBLE_STARTS)), BASE))
    draw.shuffle(drawn)
    offsets = Counter()
    for i, (key, at) in enumerate(drawn):
        partition = draw.randrange(PARTITIONS)
        received = BASE + 600 * MICRO + i * 1000
        yield Message(partition, offsets[partition], received, key, at)
        # some offsets have no message, as those of transaction markers
        offsets[partition] += draw.choice([1, 1, 1, 1, 2])


def payload(message, draw):
    if message.key is None:
        return draw.choice([b"{", b"", None, b"[1]", b"\xff\xfe", b'{"user_id": {"a": 1}}'])
    session, user, device, program, start = message.key
    return json.dumps(
        {
            "user_id": user,
            "program_id": program,
            "start_time": time(start).isoformat() + "Z",
            "session_id": session,
            "device": device,
            "event_time": time(message.at).isoformat() + "Z",
            "an unknown field": [1, 2],
        }
    ).encode()


def write(path, messages, payloads):
    rows = [("beats", m.partition, m.offset, time(m.received), payloads[m]) for m in messages]
    with duckdb.connect() as connection:
        connection.execute(
            """create table landed (topic varchar, "partition" integer, "offset" bigint,
            received_at timestamp, payload blob)"""
        )
        if rows:
            connection.executemany("insert into landed values (?, ?, ?, ?, ?)", rows)
        connection.execute(f"copy landed to '{path}' (format parquet)")


def draw_files(draw, messages):
    """[messages of a file], in order of arrival: offset ranges of all partitions, some merged."""
    ranges = []
    for partition in range(PARTITIONS):
        theirs = [m for m in messages if m.partition == partition]
        cuts = sorted(draw.sample(range(len(theirs)), RANGES - 1))
        bounds = [0, *cuts, len(theirs)]
        ranges.append([theirs[a:b] for a, b in itertools.pairwise(bounds)])
    files = [list(itertools.chain(*parts)) for parts in zip(*ranges, strict=True)]
    files.append(files[0] + files[1])
    # the same message twice in a file
    files[1] = files[1] + files[1][:3]
    draw.shuffle(files)
    return files


def beat(offset, second, key=("s", "u", "tv", "p", BASE)):
    """A heartbeat of a second after BASE."""
    return Message(0, offset, BASE + 3600 * MICRO + offset, key, BASE + second * MICRO)
