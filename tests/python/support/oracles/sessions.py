"""The rule in plain Python, written from its definition; it shares nothing with the SQL."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Event:
    """One accepted event; `at` is in microseconds since 1970, UTC."""

    name: str
    user: str | None
    version: str | None
    at: int
    device: str | None
    client: str | None


@dataclass(frozen=True)
class Rule:
    timeout: int = 30 * 60 * 1_000_000
    key: tuple = ("user_id", "device_id")
    max_length: int | None = None
    midnight_in: str | None = None
    starts: frozenset = frozenset()
    ignored: frozenset = frozenset()
    drop_duplicates: bool = True

    def visitor(self, event):
        if self.key == ("user_id", "device_id"):
            return event.user, event.device
        if self.key == ("user_id",):
            return (event.user, None) if event.user is not None else (None, event.device)
        return (None, event.device) if event.device is not None else (event.user, None)


@dataclass
class Session:
    visitor: tuple
    events: list
    island_started: int
    number: int = 0
    previous_ended: int | None = None
    started: int = field(init=False)
    ended: int = field(init=False)

    def __post_init__(self):
        self.started, self.ended = self.events[0].at, self.events[-1].at


def day_of(microseconds, zone):
    utc = (EPOCH + timedelta(microseconds=microseconds)).replace(tzinfo=UTC)
    return utc.astimezone(ZoneInfo(zone)).date()


def sessions_of(events, rule):
    """All sessions, and how many rows were dropped as duplicates."""
    copies = Counter(events)
    kept = list(copies) if rule.drop_duplicates else list(copies.elements())
    dropped = sum(copies.values()) - len(kept)
    by_visitor = defaultdict(list)
    for event in kept:
        if event.name not in rule.ignored:
            by_visitor[rule.visitor(event)].append(event)
    sessions = []
    for visitor, theirs in by_visitor.items():
        theirs.sort(key=lambda e: e.at)
        of_visitor = []
        for island in split_into_islands(theirs, rule.timeout):
            of_visitor += [Session(visitor, part, island[0].at) for part in cut(island, rule)]
        for number, session in enumerate(of_visitor, 1):
            session.number = number
            session.previous_ended = of_visitor[number - 2].ended if number > 1 else None
        sessions += of_visitor
    return sessions, dropped


def split_into_islands(events, timeout):
    islands = []
    for event in events:
        if islands and event.at - islands[-1][-1].at <= timeout:
            islands[-1].append(event)
        else:
            islands.append([event])
    return islands


def cut(island, rule):
    """First at start events and midnights, then every `max_length` from the start of each piece."""
    start_instants = {e.at for e in island if e.name in rule.starts}
    pieces = []
    for event in island:
        if pieces:
            before = pieces[-1][-1]
            starts = event.at in start_instants and event.at != before.at
            new_day = rule.midnight_in is not None and (
                day_of(event.at, rule.midnight_in) != day_of(before.at, rule.midnight_in)
            )
            if not starts and not new_day:
                pieces[-1].append(event)
                continue
        pieces.append([event])
    if rule.max_length is None:
        return pieces
    parts = []
    for piece in pieces:
        groups = defaultdict(list)
        for event in piece:
            groups[(event.at - piece[0].at) // rule.max_length].append(event)
        parts += [groups[k] for k in sorted(groups)]
    return parts
