"""A simulation of viewers whose apps send a heartbeat every four seconds.

The streams come first. Then their heartbeats are sent as badly as apps send them: late, twice,
broken, with wrong times. So the true streams are known without reading the messages: `streams`,
`rejects`, and `messages` each derive a part of the simulation from the same plan. The same plan
gives the same bytes.

Messages are generated one by one, in the order of their arrival. Memory holds the current viewings
and the messages in transit, so there may be millions. dwell/sample/simulate.py writes or sends
them.

Times and lengths are in milliseconds, times since 1970, UTC.
"""

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from random import Random
from typing import NamedTuple

from dwell.sample.plan import (
    BEAT,
    FIELDS,
    HOUR,
    IN_THE_FUTURE,
    SECOND,
    Offline,
    Plan,
    Segment,
    Stream,
    Viewing,
)
from dwell.sample.viewers import viewers

# Beyond any tolerance. All wrong clocks share it, so that their heartbeats cost no more to write
# than others.
AHEAD = 10_000 * 24 * HOUR

UNREADABLE = ("yesterday", "n/a", "2025-02-30T12:00:00.000Z", "12.03.2025 20:15", "25:61")


@dataclass(slots=True)
class Message:
    """What the broker receives; `reject` is why it is invalid, or None."""

    key: str
    received_at: int
    payload: str
    reject: str | None = None


# -- Messages and the truth about them ----------------------------------------------------------


def messages(plan: Plan) -> Iterator[Message]:
    """Yield the messages in the order of their arrival."""
    # the word belongs to the seed: another would give other bytes
    network = Network(Random(f"{plan.seed} road"))
    arriving = viewers(plan)
    viewer = next(arriving, None)
    slot = plan.start // BEAT
    while viewer is not None or network.is_busy():
        while viewer is not None and viewer.arrived_at // BEAT <= slot:
            for viewing in viewer.viewings:
                network.open(viewing)
            viewer = next(arriving, None)
        yield from network.arrivals(slot)
        slot += 1


def streams(plan: Plan) -> Iterator[tuple[Viewing, Stream]]:
    """Yield the true streams: the truth about the messages."""
    for viewer in viewers(plan):
        for viewing in viewer.viewings:
            if not viewing.has_wrong_clock:
                for stream in viewing.streams:
                    yield viewing, stream


def rejects(plan: Plan) -> Counter[str]:
    """Count the messages that belong to no stream, by reason."""
    counts: Counter[str] = Counter()
    for viewer in viewers(plan):
        for viewing in viewer.viewings:
            for stream in viewing.streams:
                if viewing.has_wrong_clock:
                    counts[IN_THE_FUTURE] += stream.heartbeats
                counts.update(flaw for segment in stream.segments for _, flaw in segment.marks[1])
    return counts


# -- Sending -----------------------------------------------------------------------------------


class Schedule(NamedTuple):
    """Heartbeats that are sent as they happen, one in each slot of BEAT."""

    last_slot: int
    phase: int
    key: str
    head: str
    second: int
    tail: str
    reject: str | None


class Network:
    """The messages in transit from the apps to the broker, slot by slot of BEAT."""

    def __init__(self, rng: Random) -> None:
        self.random = rng.random
        self.rng = rng
        self.active: list[Schedule] = []
        self.starting: dict[int, list[Schedule]] = defaultdict(list)
        self.in_transit: dict[int, list[Message]] = defaultdict(list)

    def is_busy(self) -> bool:
        """Whether more messages will arrive."""
        return bool(self.active or self.starting or self.in_transit)

    def open(self, viewing: Viewing) -> None:
        """Begin a viewing: schedule its heartbeats, and send the late, doubled, and broken ones."""
        head = payload_head(viewing)
        for segment in (s for stream in viewing.streams for s in stream.segments):
            begin, end = unsent_range(segment, viewing.offline)
            self.schedule(viewing, head, segment, 0, begin)
            self.schedule(viewing, head, segment, end, segment.count)
            doubled, broken = segment.marks
            for number in (*range(begin, end), *doubled):
                self.send(viewing, head, segment.first + number * BEAT)
            for number, flaw in broken:
                self.send(viewing, head, segment.first + number * BEAT, flaw)

    def schedule(self, viewing: Viewing, head: str, segment: Segment, begin: int, end: int) -> None:
        """Schedule the heartbeats from number `begin` up to `end`."""
        if begin >= end:
            return
        slot, phase = divmod(segment.first, BEAT)
        scheduled = Schedule(
            slot + end - 1,
            phase,
            viewing.session_id,
            head,
            phase // SECOND + (BEAT // SECOND if viewing.has_wrong_clock else 0),
            f'.{phase % SECOND:03}Z"}}',
            IN_THE_FUTURE if viewing.has_wrong_clock else None,
        )
        self.starting[slot + begin].append(scheduled)

    def send(self, viewing: Viewing, head: str, at: int, flaw: str | None = None) -> None:
        """Send one heartbeat, which happens at a time."""
        offline = viewing.offline
        if offline and offline.begin <= at < offline.end:
            received_at = offline.sent_at + self.rng.randrange(3 * SECOND)
        else:
            received_at = at + self.delay()
        wrong = viewing.has_wrong_clock
        payload = f'{head}{write_time(at + AHEAD if wrong else at)}"}}'
        if flaw:
            payload = spoil(self.rng, payload, flaw)
        reject = flaw or (IN_THE_FUTURE if wrong else None)
        message = Message(viewing.session_id, received_at, payload, reject)
        self.in_transit[received_at // BEAT].append(message)

    def delay(self) -> int:
        """Return the delay of a message: mostly short, rarely two seconds."""
        chance = self.random()
        return 20 + int(chance * chance * chance * 2_000)

    def arrivals(self, slot: int) -> list[Message]:
        """Send the heartbeats of a slot, and return the messages that arrive in it, in order.

        No message arrives before it is sent, so later heartbeats cannot arrive in this slot.
        """
        schedules = [s for s in self.active if s.last_slot >= slot]
        schedules += self.starting.pop(slot, ())
        self.active = schedules
        begin = slot * BEAT
        seconds = [
            write_second((begin + ahead) // SECOND + second)
            for ahead in (0, AHEAD)
            for second in range(BEAT // SECOND)
        ]
        # almost all the time of a simulation is spent here
        in_transit, random = self.in_transit, self.random
        for _, phase, key, head, second, tail, reject in schedules:
            chance = random()
            received_at = begin + phase + 20 + int(chance * chance * chance * 2_000)
            in_transit[received_at // BEAT].append(
                Message(key, received_at, head + seconds[second] + tail, reject)
            )
        return sorted(in_transit.pop(slot, ()), key=attrgetter("received_at"))


def unsent_range(segment: Segment, offline: Offline | None) -> tuple[int, int]:
    """Return the first heartbeat that an app could not send, and the first after it was back."""
    if offline is None:
        return segment.count, segment.count
    happen = range(segment.first, segment.last + 1, BEAT)
    return bisect_left(happen, offline.begin), bisect_left(happen, offline.end)


def payload_head(viewing: Viewing) -> str:
    """Return the JSON of a viewing's heartbeats up to their event time."""
    fields = dict(zip(FIELDS, (*identity_of(viewing), ""), strict=True))
    return json.dumps(fields, separators=(",", ":")).removesuffix('"}')


def identity_of(viewing: Viewing) -> tuple[str, ...]:
    """Return the five fields of a viewing as its app writes them."""
    return (
        viewing.user_id,
        viewing.program_id,
        write_time(viewing.start + (AHEAD if viewing.has_wrong_clock else 0)),
        viewing.session_id,
        viewing.device,
    )


def write_time(at: int) -> str:
    """Return a time as ISO 8601."""
    second, millisecond = divmod(at, SECOND)
    return f"{write_second(second)}.{millisecond:03}Z"


@lru_cache(maxsize=1_024)
def write_second(second: int) -> str:
    """Return a whole second as ISO 8601, without its zone."""
    return (datetime(1970, 1, 1) + timedelta(seconds=second)).isoformat()


def spoil(rng: Random, payload: str, flaw: str) -> str:
    """Return a payload with a flaw."""
    if flaw == "empty_payload":
        return ""
    if flaw == "broken_json":
        cut = payload[: rng.randrange(1, len(payload))]
        return rng.choice((cut, payload.replace('"', "'"), "heartbeat"))
    if flaw == "not_an_object":
        return rng.choice(("null", "[]", "42", '"heartbeat"', f"[{payload}]"))
    fields = json.loads(payload)
    if flaw.startswith("missing_"):
        field = flaw.removeprefix("missing_")
        fields[field] = rng.choice((None, "", ...))
        if fields[field] is ...:
            del fields[field]
    elif flaw.startswith("wrong_type_"):
        field = flaw.removeprefix("wrong_type_")
        # no number and no boolean: reading these as text would be correct
        fields[field] = rng.choice(({"value": fields[field]}, [fields[field]], {}))
    else:
        fields[flaw.removeprefix("unreadable_")] = rng.choice(UNREADABLE)
    return json.dumps(fields, separators=(",", ":"))
