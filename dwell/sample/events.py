"""Makes the sample, seeds/events.csv: `python -m dwell.sample.events`. Each run writes equal bytes.

The visits come first. Then their rows are written as badly as clients write them, so that the true
sessions are known without reading the file.
"""

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from dwell.config import ROOT

PATH = ROOT / "seeds" / "events.csv"
COLUMNS = ("event_name", "user_id", "app_version", "event_time", "device_id", "client")

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TIMEOUT = 30 * MINUTE

# Four weeks, in which the clocks change in New York and in Europe.
FIRST_DAY = datetime(2025, 3, 3, tzinfo=UTC)
END = FIRST_DAY + timedelta(days=28)
LAUNCH_DAY = date(2025, 3, 18)

# (minutes east of Greenwich before the clocks change, when they do, minutes after)
SPRING_IN_NEW_YORK = datetime(2025, 3, 9, 7, tzinfo=UTC)
SPRING_IN_EUROPE = datetime(2025, 3, 30, 1, tzinfo=UTC)
ZONES = {
    "New York": (-300, SPRING_IN_NEW_YORK, -240),
    "London": (0, SPRING_IN_EUROPE, 60),
    "Berlin": (60, SPRING_IN_EUROPE, 120),
    "Kolkata": (330, END, 330),
}
# The relative activity of each local hour: quiet nights, busy evenings.
HOURS = (2, 1, 1, 1, 1, 1, 2, 4, 6, 7, 7, 7, 8, 7, 7, 7, 8, 10, 14, 18, 20, 18, 12, 5)
WEEKEND, LAUNCH = 0.55, 8.0

# Seconds; the components of the gap histogram, as mean and deviation of natural logarithms.
GAP_INSIDE = (math.log(25), 1.1)
GAP_BETWEEN = (math.log(20 * 3600), 0.8)

KNOWN_USERS, WITH_TWO_DEVICES, ANONYMOUS, WITHOUT_DEVICE, LOGGED_IN_LATER = 96, 14, 18, 6, 8
LONG_VISITS = (104, 66, 58, 51, 47, 40)
DUPLICATES = 60
NAMELESS = 3

# {client: (before the launch, since)}
VERSIONS = {
    "web": ("w118", "w121"),
    "ios": ("3.1.4", "3.2.0"),
    "android": ("3.1.2", "3.2.0, build 41"),
}
NAMES = {
    "page_view": 34,
    "search": 14,
    "product_view": 18,
    "add_to_cart": 8,
    "remove_from_cart": 2,
    "purchase": 4,
    "login": 4,
    "play": 6,
    "pause": 3,
    "share": 2,
}
# An event at the instant of another one. No other event has this name, so that the two can be
# distinguished.
TIED = "ad_impression"

BAD_TIMES = {
    "missing_event_time": ("", "", " ", "", "  "),
    "unreadable_event_time": (
        "yesterday",
        "2025-13-01 10:00",
        "n/a",
        "2025-02-30T12:00:00Z",
        "18.03.2025 20:15",
        "n/a",
        "2025-03-18T25:61:00Z",
    ),
    "before_earliest_event_date": (
        "1970-01-01T00:00:00Z",
        "1970-01-01 00:00:12",
        "1980-01-06T00:00:00.000Z",
        "1999-12-31T23:59:59.999999Z",
        "2000-01-01T00:30:00+01:00",
        " 1970-01-01T00:00:00Z",
    ),
    "in_the_future": (
        "2106-02-07T06:28:15Z",
        "2106-02-07 06:28:15",
        "2106-02-07T07:28:15+01:00",
        "2106-02-07T06:28:15.000Z",
    ),
}
# (user_id, device_id, event_time or None to keep it); of two reasons, the first is reported
WITHOUT_VISITOR = (
    ("", "", None),
    ("", "", None),
    (" ", "", None),
    ("  ", " ", None),
    ("", "", "n/a"),
    ("", "", "1970-01-01T00:00:00Z"),
)


Time = TypeVar("Time", datetime, timedelta)
Row = dict[str, str]
# (when, row, reject reason or None)
Arrival = tuple[datetime, Row, str | None]


@dataclass(frozen=True)
class Visitor:
    """One (user_id, device_id), and how its client writes times."""

    user_id: str | None
    device_id: str | None
    client: str
    zone: str = "London"
    suffix: str = "Z"  # Z, offset, or nothing
    separator: str = "T"
    decimals: int = 6


@dataclass(frozen=True)
class Event:
    """One event, as it should be after cleaning; times are in UTC."""

    event_name: str | None
    user_id: str | None
    app_version: str | None
    event_at: datetime
    device_id: str | None
    client: str


@dataclass(frozen=True)
class Session:
    """One true session: its events in the order of time, ties included, copies not."""

    visitor: Visitor
    events: tuple[Event, ...]

    @property
    def started_at(self) -> datetime:
        """The instant of the first event."""
        return self.events[0].event_at

    @property
    def ended_at(self) -> datetime:
        """The instant of the last event."""
        return self.events[-1].event_at


@dataclass(frozen=True)
class Sample:
    """The rows of the file, and the truth about them."""

    rows: list[Row]
    sessions: list[Session]
    duplicates: int
    # {reason: its rows, of which the first after the header is 1}
    rejects: dict[str, list[int]]


def make_sample() -> Sample:
    """Return the sample, the same each time."""
    rng = Random(20250309)
    visits = [visit for visitor in make_visitors(rng) for visit in make_visits(rng, visitor)]
    visits = make_some_long(rng, visits)
    visits = log_some_in(rng, visits)
    visits = remove_some_names(rng, visits)
    sessions = sorted(visits + make_cases(), key=lambda s: (s.started_at, s.visitor.user_id or ""))

    sent = [(event, session.visitor) for session in sessions for event in session.events]
    arrivals: list[Arrival] = [
        (event.event_at + delay(rng), write_row(rng, event, visitor), None)
        for event, visitor in sent
    ]
    arrivals += make_duplicates(rng, arrivals, sent)
    arrivals += make_rejects(rng, sent)
    arrivals.sort(key=lambda arrival: arrival[0])

    rejects: dict[str, list[int]] = {}
    for number, (_, _, reason) in enumerate(arrivals, 1):
        if reason is not None:
            rejects.setdefault(reason, []).append(number)
    return Sample([row for _, row, _ in arrivals], sessions, DUPLICATES, rejects)


def make_visitors(rng: Random) -> list[Visitor]:
    """Return the visitors: users with one or two devices, devices alone, users alone."""
    visitors = []
    for number in range(1, KNOWN_USERS + 1):
        for _ in range(2 if number <= WITH_TWO_DEVICES else 1):
            visitors.append(make_visitor(rng, f"u{number:03}", make_device(rng)))
    for _ in range(ANONYMOUS):
        visitors.append(make_visitor(rng, None, make_device(rng)))
    for number in range(KNOWN_USERS + 1, KNOWN_USERS + WITHOUT_DEVICE + 1):
        visitors.append(make_visitor(rng, f"u{number:03}", None))
    return visitors


def make_device(rng: Random) -> str:
    """Return a device id; its letters are of both cases, which count as different."""
    return f"d-{rng.getrandbits(32):08X}"


def make_visitor(rng: Random, user_id: str | None, device_id: str | None) -> Visitor:
    """Return a visitor with habits."""
    return Visitor(
        user_id,
        device_id,
        client=rng.choice(("web", "web", "ios", "android")),
        zone=rng.choice(("New York", "London", "Berlin", "Berlin", "Kolkata")),
        suffix=rng.choice(("Z", "offset", "")),
        separator=rng.choice("T "),
        decimals=rng.choice((0, 3, 6)),
    )


def make_visits(rng: Random, visitor: Visitor) -> list[Session]:
    """Return a visitor's visits, each more than the timeout after the one before."""
    visits = []
    start = FIRST_DAY + rng.random() * (END - FIRST_DAY)
    while not is_likely(rng, start, visitor):
        start = FIRST_DAY + rng.random() * (END - FIRST_DAY)
    for _ in range(1 + int(rng.expovariate(1 / 3.8))):
        visit = make_visit(rng, visitor, start, size=make_size(rng))
        if visit.ended_at >= END:
            break
        visits.append(visit)
        start = next_start(rng, visitor, visit.ended_at)
    return visits


def next_start(rng: Random, visitor: Visitor, ended_at: datetime) -> datetime:
    """Return when a visitor comes back: after a gap like others', and at a likely hour."""
    while True:
        start = ended_at + draw(rng, GAP_BETWEEN)
        is_later = round_down(start, visitor.decimals) - ended_at > TIMEOUT
        if is_later and is_likely(rng, start, visitor):
            return start


def is_likely(rng: Random, at: datetime, visitor: Visitor) -> bool:
    """Whether a visit begins at this moment: drawn by the hour, the weekday, and the launch."""
    local = at + offset(visitor.zone, at)
    weight: float = HOURS[local.hour]
    weight *= WEEKEND if local.weekday() >= 5 else 1
    weight *= LAUNCH if at.date() == LAUNCH_DAY else 1
    return rng.random() < weight / (max(HOURS) * LAUNCH)


def make_size(rng: Random) -> int:
    """Return how many events a visit has: often a few, sometimes one."""
    return 1 if rng.random() < 0.1 else 1 + min(int(rng.lognormvariate(math.log(4), 0.8)), 30)


def make_visit(rng: Random, visitor: Visitor, start: datetime, size: int) -> Session:
    """Return a visit of at least this many events, no two of them over the timeout apart."""
    is_watching = size > 30 or (size > 2 and rng.random() < 0.1)
    first = "page_view" if visitor.client == "web" else "app_open"
    names = [first, *rng.choices(list(NAMES), list(NAMES.values()), k=size - 1)]
    if is_watching:
        names[1:] = ["play"] + ["heartbeat_ping"] * (size - 2)
    since_launch = start.date() >= LAUNCH_DAY
    version = None if rng.random() < 0.12 else VERSIONS[visitor.client][since_launch]

    at = round_down(start, visitor.decimals)
    events = []
    for number, name in enumerate(names):
        if number > 0:
            at += gap_inside(rng, visitor.decimals)
        event = Event(name, visitor.user_id, version, at, visitor.device_id, visitor.client)
        events.append(event)
        if rng.random() < 0.015:
            events.append(replace(event, event_name=TIED))
    return Session(visitor, tuple(events))


def gap_inside(rng: Random, decimals: int) -> timedelta:
    """Return a gap between two events of a visit, in the precision of its client."""
    while True:
        gap = round_down(draw(rng, GAP_INSIDE), decimals)
        # a gap of zero would be a tie, and ties are made on purpose
        if timedelta(0) < gap <= TIMEOUT:
            return gap


def make_some_long(rng: Random, visits: list[Session]) -> list[Session]:
    """Lengthen the last visits of some visitors, which no other visit follows."""
    last = {visit.visitor: number for number, visit in enumerate(visits)}
    early = [n for n in last.values() if visits[n].started_at < END - 12 * HOUR]
    rng.shuffle(early)
    for number, size in zip(early, LONG_VISITS, strict=False):
        visits[number] = make_visit(rng, visits[number].visitor, visits[number].started_at, size)
    return visits


def log_some_in(rng: Random, visits: list[Session]) -> list[Session]:
    """Let some users log in late: before, the rule finds an anonymous visitor on the device."""
    firsts: dict[Visitor, int] = {}
    for number, visit in enumerate(visits):
        firsts.setdefault(visit.visitor, number)
    candidates = [
        n
        for visitor, n in firsts.items()
        if visitor.user_id and visitor.device_id and 4 <= len(visits[n].events) <= 30
    ]
    for number in rng.sample(candidates, LOGGED_IN_LATER):
        visitor, events = visits[number].visitor, visits[number].events
        before = tuple(replace(event, user_id=None) for event in events[:2])
        login = replace(events[2], event_name="login")
        visits[number] = Session(visitor, (login, *events[3:]))
        visits.append(Session(replace(visitor, user_id=None), before))
    return visits


def remove_some_names(rng: Random, visits: list[Session]) -> list[Session]:
    """Remove the names of some events, which still count as events."""
    for number in rng.sample(range(len(visits)), NAMELESS):
        visitor, (first, *others) = visits[number].visitor, visits[number].events
        visits[number] = Session(visitor, (replace(first, event_name=None), *others))
    return visits


def make_cases() -> list[Session]:
    """Return sessions at the boundaries of the rule, of visitors named for the case."""
    us = timedelta(microseconds=1)
    evening = datetime(2025, 3, 12, 19, 30, tzinfo=UTC)

    def case(
        name: str, *sessions: tuple[timedelta, ...], start: datetime = evening, **habits: Any
    ) -> list[Session]:
        visitor = Visitor(**{"user_id": name, "device_id": f"d-{name}", "client": "web"} | habits)
        event = Event("page_view", visitor.user_id, "w118", start, visitor.device_id, "web")
        return [
            Session(visitor, tuple(replace(event, event_at=start + after) for after in times))
            for times in sessions
        ]

    return [
        *case("exactly_30_minutes", (0 * MINUTE, TIMEOUT, 2 * TIMEOUT)),
        *case("exactly_30_minutes_at_the_end", (0 * MINUTE, MINUTE, MINUTE + TIMEOUT), decimals=0),
        *case("30_minutes_and_1_us", (0 * MINUTE, MINUTE), (MINUTE + TIMEOUT + us, 40 * MINUTE)),
        *case(
            "30_minutes_and_1_us_twice",
            (0 * MINUTE,),
            (TIMEOUT + us,),
            (2 * TIMEOUT + 2 * us, 3 * TIMEOUT + 2 * us),
            suffix="",
            separator=" ",
        ),
        *case("over_midnight", (0 * MINUTE, 25 * MINUTE, 50 * MINUTE), start=evening + 4 * HOUR),
        # 01:45 and 03:15 local time, half an hour apart
        *case(
            "clocks_change_in_new_york",
            (0 * MINUTE, TIMEOUT),
            start=SPRING_IN_NEW_YORK - 15 * MINUTE,
            zone="New York",
            suffix="offset",
        ),
        *case(
            "clocks_change_in_berlin",
            (0 * MINUTE, TIMEOUT),
            start=SPRING_IN_EUROPE - 15 * MINUTE,
            zone="Berlin",
            suffix="offset",
        ),
        # on one device, and two by the case of a letter
        *case("Two_by_case", (0 * MINUTE, 20 * MINUTE), device_id="d-two-by-case"),
        *case("two_by_case", (10 * MINUTE, 30 * MINUTE), device_id="d-two-by-case"),
    ]


def make_duplicates(
    rng: Random, arrivals: list[Arrival], sent: list[tuple[Event, Visitor]]
) -> list[Arrival]:
    """Return rows that are sent twice: unchanged, and each third one in another spelling."""
    copies: list[Arrival] = []
    for count, number in enumerate(rng.sample(range(len(sent)), DUPLICATES)):
        when, row, _ = arrivals[number]
        if count % 3 == 0:
            event, visitor = sent[number]
            row = write_row(rng, event, replace(visitor, suffix="offset", decimals=6))
        copies.append((when + rng.random() * MINUTE, row, None))
    return copies


def make_rejects(rng: Random, sent: list[tuple[Event, Visitor]]) -> list[Arrival]:
    """Return rows of valid events from which a value was lost, or in which it is wrong."""
    changes = [
        (reason, {"event_time": time}) for reason, times in BAD_TIMES.items() for time in times
    ]
    for user_id, device_id, time in WITHOUT_VISITOR:
        change = {"user_id": user_id, "device_id": device_id}
        change |= {} if time is None else {"event_time": time}
        changes.append(("missing_user_and_device", change))
    rejects: list[Arrival] = []
    row: Row
    for (cause, change), (event, visitor) in zip(
        changes, rng.sample(sent, len(changes)), strict=True
    ):
        row = write_row(rng, event, visitor) | change
        rejects.append((event.event_at + delay(rng), row, cause))
    # a reject that was sent twice is two rejects
    when, row, reason = rejects[-1]
    return [*rejects, (when + SECOND, row, reason)]


def delay(rng: Random) -> timedelta:
    """Return how late a row arrives: seconds, or hours if the phone was offline."""
    return rng.expovariate(1) * (3 * HOUR if rng.random() < 0.03 else 4 * SECOND)


def write_row(rng: Random, event: Event, visitor: Visitor) -> Row:
    """Return a row of the file, as untidy as its client happens to be."""
    return {
        "event_name": space(rng, recase(rng, event.event_name or "")),
        "user_id": space(rng, event.user_id or ""),
        "app_version": space(rng, event.app_version or ""),
        "event_time": space(rng, write_time(event.event_at, visitor)),
        "device_id": space(rng, event.device_id or ""),
        "client": space(rng, recase(rng, event.client)),
    }


def write_time(at: datetime, visitor: Visitor) -> str:
    """Return ISO 8601; without a zone it is UTC."""
    suffix = "Z" if visitor.suffix == "Z" else ""
    if visitor.suffix == "offset":
        at = at.astimezone(timezone(offset(visitor.zone, at)))
        suffix = at.isoformat()[-6:]
    digits = f".{at.microsecond:06}"[: visitor.decimals + 1] if visitor.decimals else ""
    return f"{at:%Y-%m-%d}{visitor.separator}{at:%H:%M:%S}{digits}{suffix}"


def offset(zone: str, at: datetime) -> timedelta:
    """Return how far a zone is ahead of UTC."""
    before, change, after = ZONES[zone]
    return (before if at < change else after) * MINUTE


def recase(rng: Random, text: str) -> str:
    """Return a name, sometimes in another case."""
    return rng.choice((text.upper(), text.title())) if rng.random() < 0.05 else text


def space(rng: Random, text: str) -> str:
    """Return a text, sometimes with spaces around it."""
    return rng.choice((" {}", "{} ", "  {} ")).format(text) if rng.random() < 0.02 else text


def draw(rng: Random, component: tuple[float, float]) -> timedelta:
    """Return a gap of a component."""
    return rng.lognormvariate(*component) * SECOND


def round_down(time: Time, decimals: int) -> Time:
    """Return a moment or a gap, truncated to this number of decimals of a second."""
    unit = timedelta(microseconds=10 ** (6 - decimals))
    return time - (time - FIRST_DAY if isinstance(time, datetime) else time) % unit


def as_csv(rows: Iterable[Row]) -> str:
    """Return the file's text."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_sample(path: Path = PATH) -> None:
    """Write the file."""
    path.write_bytes(as_csv(make_sample().rows).encode())


if __name__ == "__main__":
    write_sample()
