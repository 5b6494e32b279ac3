"""What a simulation of viewers is made of: the plan, and the streams that viewers watch.

Times and lengths are in milliseconds, times since 1970, UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dwell.exceptions import UsageError

FIELDS = ("user_id", "program_id", "start_time", "session_id", "device", "event_time")
TIMES = ("start_time", "event_time")

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
BEAT = 4 * SECOND
TIMEOUT = 60 * SECOND
A_YEAR_OF_MINUTES = 366 * 24 * 60

FLAWS = (
    "empty_payload",
    "broken_json",
    "not_an_object",
    *(f"missing_{field}" for field in FIELDS),
    *(f"wrong_type_{field}" for field in FIELDS),
    *(f"unreadable_{field}" for field in TIMES),
)
IN_THE_FUTURE = "in_the_future"


@dataclass(frozen=True)
class Plan:
    """What to simulate. Shares are from 0 to 1."""

    seed: int = 1
    viewers: int = 100
    programs: int = 20
    minutes: int = 60
    start: int = int(datetime(2025, 3, 12, 19, tzinfo=UTC).timestamp()) * SECOND
    peak: bool = False
    pause: float = 0.3
    late: float = 0.05
    double: float = 0.01
    broken: float = 0.002
    wrong_clocks: int = 1

    def __post_init__(self) -> None:
        for name, lowest in {"viewers": 0, "programs": 1, "minutes": 1, "wrong_clocks": 0}.items():
            if getattr(self, name) < lowest:
                raise UsageError(f"{option_name(name)} must be at least {lowest}")
        for name in ("pause", "late", "double", "broken"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{option_name(name)} is a share and must be from 0 to 1")
        if self.minutes > A_YEAR_OF_MINUTES:
            raise UsageError(f"minutes must be at most {A_YEAR_OF_MINUTES}, a year")

    @property
    def end(self) -> int:
        """The last moment at which a heartbeat can happen; late ones arrive after it."""
        return self.start + self.minutes * MINUTE


# Which heartbeats of a segment are sent twice; which are first sent with a flaw, and with which.
Marks = tuple[tuple[int, ...], tuple[tuple[int, str], ...]]
# a stream as (silence before, heartbeats)
Pieces = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive heartbeats, one each BEAT."""

    first: int
    count: int
    marks: Marks = ((), ())

    @property
    def last(self) -> int:
        """The moment of the last heartbeat."""
        return self.first + (self.count - 1) * BEAT


@dataclass(frozen=True, slots=True)
class Stream:
    """One true stream: segments with pauses of at most the timeout between them."""

    segments: tuple[Segment, ...]

    @property
    def first(self) -> int:
        """The moment of the first heartbeat."""
        return self.segments[0].first

    @property
    def last(self) -> int:
        """The moment of the last heartbeat."""
        return self.segments[-1].last

    @property
    def heartbeats(self) -> int:
        """The number that is received; a heartbeat that is sent twice counts twice."""
        return sum(segment.count + len(segment.marks[0]) for segment in self.segments)

    def duration(self, start: int) -> int:
        """Return how long was watched, if the app reports `start` as its start time."""
        return self.last - (start if self.first - start <= TIMEOUT else self.first)


@dataclass(frozen=True, slots=True)
class Offline:
    """When an app could not send, and when it sent the heartbeats of that time."""

    begin: int
    end: int
    sent_at: int


@dataclass(frozen=True, slots=True)
class Viewing:
    """A program that was watched in a session: the streams of one identity."""

    user_id: str
    program_id: str
    start: int
    session_id: str
    device: str
    streams: tuple[Stream, ...]
    offline: Offline | None = None
    has_wrong_clock: bool = False


@dataclass(frozen=True, slots=True)
class Viewer:
    """Everything that a viewer watches after arriving."""

    arrived_at: int
    viewings: tuple[Viewing, ...]


def option_name(name: str) -> str:
    """Return the name of a field as messages print it."""
    return name.replace("_", " ")
