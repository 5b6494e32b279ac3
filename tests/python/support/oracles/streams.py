"""The rule of watch streams in plain Python, from its definition; it shares nothing with SQL."""

from collections import defaultdict
from dataclasses import dataclass

MICRO = 1_000_000


@dataclass(frozen=True)
class Message:
    """One message of a topic; times are in microseconds since 1970, UTC.

    `key` is (session, user, device, program, start), or none where the payload is broken.
    """

    partition: int
    offset: int
    received: int
    key: tuple | None
    at: int | None


@dataclass(frozen=True)
class Stream:
    key: tuple
    began: int
    first: int
    last: int
    heartbeats: int


EARLIEST = 946_684_800 * MICRO  # 2000-01-01


def is_believed(message, tolerance):
    """Whether both times of a message are neither before 2000 nor too far ahead of its receipt."""
    times = (message.at, message.key[-1])
    return all(EARLIEST <= at <= message.received + tolerance for at in times)


def streams_of(messages, timeout=60 * MICRO, tolerance=3600 * MICRO):
    """(streams, rejected messages, the watermark) of messages that have arrived."""
    by_key, rejected, newest = defaultdict(list), 0, None
    for message in messages:
        if message.key is None or not is_believed(message, tolerance):
            rejected += 1
        else:
            by_key[message.key].append(message.at)
    streams = []
    for key, times in by_key.items():
        times.sort()
        run = [times[0]]
        for at in times[1:]:
            if at - run[-1] > timeout:
                streams.append(stream(key, run, timeout))
                run = []
            run.append(at)
        streams.append(stream(key, run, timeout))
    if streams:
        newest = min(max(s.last for s in streams), max(m.received for m in messages))
    return streams, rejected, newest


def stream(key, run, timeout):
    start = key[-1]
    began = start if 0 <= run[0] - start <= timeout else run[0]
    return Stream(key, began, run[0], run[-1], len(run))
