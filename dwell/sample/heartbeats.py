"""A simulation of viewers whose apps send a heartbeat every four seconds.

It is made from the streams outward. What is watched comes first, stream by stream; then the
heartbeats of it are sent as badly as apps do it: late, twice, broken, by a clock gone wrong. So the
truth is known without looking at what was sent, and `streams`, `rejects` and `messages` each tell
a part of it from the same plan. The same plan gives the same bytes.

Messages come one by one, in the order of their arrival. In memory are the viewings under way and
what is still on its way, so there may be millions. dwell/sample/simulate.py writes or sends them.

Times and lengths are whole milliseconds; moments are counted from 1970, UTC.
"""

import json
import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import pairwise
from operator import attrgetter
from random import Random
from typing import NamedTuple

FIELDS = ("user_id", "program_id", "start_time", "session_id", "device", "event_time")
TIMES = ("start_time", "event_time")

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
BEAT = 4 * SECOND
TIMEOUT = 60 * SECOND
A_YEAR_OF_MINUTES = 366 * 24 * 60

# Far enough for any tolerance. All wrong clocks share it, so that a heartbeat of one costs no more
# to write than another.
AHEAD = 10_000 * 24 * HOUR

# How many viewers come at each hour of the day.
HOURS = (6, 3, 2, 1, 1, 1, 2, 4, 5, 5, 5, 6, 8, 8, 7, 8, 10, 13, 18, 24, 26, 22, 15, 10)
PEAK = 2  # minutes in which half of the viewers come, if the simulation begins at a peak

DEVICES = ("tv", "tv", "phone", "tablet", "browser", "console")
WITH_TWO_DEVICES = 0.08
# Of programs: those after which something is watched; of these: where that is for a crash.
WATCH_ON = 0.45
CRASHES = 0.15
LONG_PAUSES = 0.4
# Of pauses and of starts: those that are at the very edge of the timeout.
AT_THE_EDGE = 0.03

UNREADABLE = ("yesterday", "n/a", "2025-02-30T12:00:00.000Z", "12.03.2025 20:15", "25:61")
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
    """What is to be simulated. Shares are from 0 to 1."""

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

    def __post_init__(self):
        for name, lowest in {"viewers": 0, "programs": 1, "minutes": 1, "wrong_clocks": 0}.items():
            if getattr(self, name) < lowest:
                raise ValueError(f"{said(name)} must be at least {lowest}")
        for name in ("pause", "late", "double", "broken"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{said(name)} is a share and must be from 0 to 1")
        if self.minutes > A_YEAR_OF_MINUTES:
            raise ValueError(f"minutes must be at most {A_YEAR_OF_MINUTES}, a year")

    @property
    def end(self) -> int:
        """The last moment at which a heartbeat can happen; late ones arrive after it."""
        return self.start + self.minutes * MINUTE


# Which heartbeats of a stretch are sent twice; which fail before they go well, and their flaws.
Marks = tuple[tuple[int, ...], tuple[tuple[int, str], ...]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Heartbeats in a row, one each BEAT."""

    first: int
    count: int
    marks: Marks = ((), ())

    @property
    def last(self) -> int:
        """The moment of the last heartbeat."""
        return self.first + (self.count - 1) * BEAT


@dataclass(frozen=True, slots=True)
class Stream:
    """One true stream: stretches with pauses of at most the timeout between them."""

    stretches: tuple[Stretch, ...]

    @property
    def first(self) -> int:
        """The moment of the first heartbeat."""
        return self.stretches[0].first

    @property
    def last(self) -> int:
        """The moment of the last heartbeat."""
        return self.stretches[-1].last

    @property
    def heartbeats(self) -> int:
        """How many are received; one that is sent twice counts twice."""
        return sum(stretch.count + len(stretch.marks[0]) for stretch in self.stretches)

    def duration(self, start: int) -> int:
        """Return how long was watched, by an app that says that it started at `start`."""
        return self.last - (start if self.first - start <= TIMEOUT else self.first)


@dataclass(frozen=True, slots=True)
class Offline:
    """When an app could not send, and when it sent what it had kept."""

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
    """All that someone watches from the moment of arrival on."""

    arrived_at: int
    viewings: tuple[Viewing, ...]


@dataclass(slots=True)
class Message:
    """What the broker receives; `reject` is why nobody can use it, or None."""

    key: str
    received_at: int
    payload: str
    reject: str | None = None


# -- What the simulation tells -----------------------------------------------------------------


def messages(plan: Plan) -> Iterator[Message]:
    """Yield the messages in the order of their arrival."""
    road = Road(Random(f"{plan.seed} road"))
    coming = viewers(plan)
    viewer = next(coming, None)
    slot = plan.start // BEAT
    while viewer is not None or road.is_busy():
        while viewer is not None and viewer.arrived_at // BEAT <= slot:
            for viewing in viewer.viewings:
                road.open(viewing)
            viewer = next(coming, None)
        yield from road.arrivals(slot)
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
    counts = Counter()
    for viewer in viewers(plan):
        for viewing in viewer.viewings:
            for stream in viewing.streams:
                if viewing.has_wrong_clock:
                    counts[IN_THE_FUTURE] += stream.heartbeats
                counts.update(flaw for stretch in stream.stretches for _, flaw in stretch.marks[1])
    return counts


# -- What is watched ---------------------------------------------------------------------------


def viewers(plan: Plan) -> Iterator[Viewer]:
    """Yield the viewers in the order of their arrival, those of the edge cases first."""
    yield Viewer(plan.start, tuple(cases(plan)))
    rng = Random(f"{plan.seed} viewers")
    for number, arrived_at in enumerate(arrival_times(rng, plan), 1):
        yield make_viewer(rng, plan, number, arrived_at)


def arrival_times(rng: Random, plan: Plan) -> Iterator[int]:
    """Yield when viewers come, in order: as many in each minute as its hour of the day wants."""
    weights = [
        HOURS[(plan.start + minute * MINUTE) // HOUR % 24] * PEAK for minute in range(plan.minutes)
    ]
    if plan.peak:
        in_peak = sum(weights) // PEAK
        weights[:PEAK] = [weight + in_peak for weight in weights[:PEAK]]
    total, weight_so_far, come = sum(weights), 0, 0
    for minute, weight in enumerate(weights):
        weight_so_far += weight
        expected = plan.viewers * weight_so_far // total
        begin = plan.start + minute * MINUTE
        yield from sorted(begin + rng.randrange(MINUTE) for _ in range(expected - come))
        come = expected


def make_viewer(rng: Random, plan: Plan, number: int, arrived_at: int) -> Viewer:
    """Return a viewer with one app session, or with two at once."""
    user_id, device = f"u{number:06}", rng.choice(DEVICES)
    viewings = make_session(rng, plan, user_id, device, arrived_at)
    if rng.random() < WITH_TWO_DEVICES:
        other = rng.choice([d for d in DEVICES if d != device])
        second_at = arrived_at + rng.randrange(2 * MINUTE)
        viewings += make_session(rng, plan, user_id, other, second_at)
    return Viewer(arrived_at, tuple(viewings))


def make_session(rng: Random, plan: Plan, user_id: str, device: str, start: int) -> list[Viewing]:
    """Return what is watched in a session, one program after another.

    After a crash the viewer comes back to the same program, in a session of another name.
    """
    viewings = []
    session_id, program_id = make_session_id(rng), choose_program(rng, plan)
    while True:
        planned = lay_out(plan, start, make_pieces(rng, plan), partial(make_marks, rng, plan))
        if planned:
            identity = (user_id, program_id, start, session_id, device)
            offline = make_offline(rng, planned) if rng.random() < plan.late else None
            viewings.append(Viewing(*identity, planned, offline))
        if not planned or rng.random() >= WATCH_ON:
            return viewings
        if rng.random() < CRASHES:
            session_id = make_session_id(rng)
            start = planned[-1].last + rng.randint(5 * SECOND, 20 * MINUTE)
        else:
            program_id = choose_program(rng, plan)
            start = planned[-1].last + rng.randint(1, 20 * SECOND)


def make_session_id(rng: Random) -> str:
    """Return a name that no other session has."""
    return f"s-{rng.getrandbits(64):016x}"


def choose_program(rng: Random, plan: Plan) -> str:
    """Return a program; a few are watched by many."""
    return program_name(1 + int(plan.programs * rng.random() * rng.random()))


def program_name(number: int) -> str:
    """Return the id of a program."""
    return f"p{number:04}"


def make_pieces(rng: Random, plan: Plan) -> list[list[tuple[int, int]]]:
    """Return how a program is watched: streams of (silence before, heartbeats).

    A pause and an app that crashes and goes on where it was look the same: nothing is sent.
    """
    pauses = rng.randint(1, 3) if rng.random() < plan.pause else 0
    beats = max(1 + pauses, make_length(rng) // BEAT)
    cuts = [0, *sorted(rng.sample(range(1, beats), pauses)), beats]
    pieces = [[(make_startup(rng), cuts[1])]]
    for begin, end in pairwise(cuts[1:]):
        if rng.random() < LONG_PAUSES:
            pieces.append([(make_long_silence(rng, 20 * MINUTE), end - begin)])
        else:
            pieces[-1].append((make_short_silence(rng), end - begin))
    return pieces


def make_length(rng: Random) -> int:
    """Return how long a program is watched: hardly, a while, or to the end of a film."""
    kind = rng.random()
    if kind < 0.25:
        return rng.randint(2 * SECOND, MINUTE)
    if kind < 0.85:
        return rng.randint(3 * MINUTE, 45 * MINUTE)
    return rng.randint(45 * MINUTE, 120 * MINUTE)


def make_startup(rng: Random) -> int:
    """Return how long after its start an app sends its first heartbeat; some show adverts first."""
    kind = rng.random()
    if kind < 0.93:
        return rng.randint(100, 4 * SECOND)
    if kind < 0.98:
        return make_short_silence(rng)
    return make_long_silence(rng, 3 * MINUTE)


def make_short_silence(rng: Random) -> int:
    """Return a silence that ends no stream."""
    return TIMEOUT if rng.random() < AT_THE_EDGE else rng.randint(BEAT + 1, TIMEOUT)


def make_long_silence(rng: Random, longest: int) -> int:
    """Return a silence that ends a stream."""
    return TIMEOUT + 1 if rng.random() < AT_THE_EDGE else rng.randint(TIMEOUT + 1, longest)


def make_offline(rng: Random, planned: tuple[Stream, ...]) -> Offline:
    """Return a while in which nothing is sent; of that, some is sent long after the app is back."""
    begin = rng.randint(planned[0].first, planned[-1].last)
    end = begin + rng.randint(20 * SECOND, 15 * MINUTE)
    wait = rng.randint(2 * MINUTE, HOUR) if rng.random() < 0.6 else rng.randint(SECOND, 5 * SECOND)
    return Offline(begin, end, end + wait)


def make_marks(rng: Random, plan: Plan, count: int) -> Marks:
    """Return which of so many heartbeats are sent twice, and which fail first, and how."""
    return (
        tuple(pick(rng, count, plan.double)),
        tuple((number, rng.choice(FLAWS)) for number in pick(rng, count, plan.broken)),
    )


def no_marks(count: int) -> Marks:
    """Return that all goes well."""
    return (), ()


def pick(rng: Random, count: int, share: float) -> Iterator[int]:
    """Yield numbers below `count`, each with the same chance; the cost is of those that it yields.

    The steps between them are drawn: they are distributed geometrically.
    """
    if share in (0, 1):
        yield from range(count if share else 0)
        return
    scale = math.log1p(-share)
    number = -1
    while (number := number + 1 + int(math.log(1 - rng.random()) / scale)) < count:
        yield number


def lay_out(
    plan: Plan,
    start: int,
    pieces: Iterable[Iterable[tuple[int, int]]],
    mark: Callable[[int], Marks],
) -> tuple[Stream, ...]:
    """Return the streams of a viewing that starts then, up to the end of the simulation."""
    at = start
    laid_out = []
    for piece in pieces:
        stretches = []
        for silence, count in piece:
            at += silence
            count = min(count, (plan.end - at) // BEAT + 1)
            if count <= 0:
                # later ones would be later still
                break
            stretches.append(Stretch(at, count, mark(count)))
            at = stretches[-1].last
        if stretches:
            laid_out.append(Stream(tuple(stretches)))
        if len(stretches) < len(piece):
            break
    return tuple(laid_out)


def cases(plan: Plan) -> Iterator[Viewing]:
    """Yield viewings at the edges of the rule, of users named for the case.

    Each of its `pieces` is a stream, written as (silence before, heartbeats).
    """
    soon = 500

    def case(name, *pieces, after=soon, program=1, session="", device="tv", mark=no_marks, **more):
        start = plan.start + after
        identity = (name, program_name(program), start, f"s-{name}{session}", device)
        if planned := lay_out(plan, start, pieces, mark):
            yield Viewing(*identity, planned, **more)

    yield from case("short_pause", ((soon, 8), (45 * SECOND, 6)))
    yield from case("long_pause", ((soon, 8),), ((150 * SECOND, 6),))
    yield from case("60_s", ((soon, 5), (TIMEOUT, 5)))
    yield from case("60_s_and_1_ms", ((soon, 5),), ((TIMEOUT + 1, 5),))
    yield from case("60_s_twice", ((soon, 2), (TIMEOUT, 1), (TIMEOUT, 2)))
    yield from case("60_s_after_start", ((TIMEOUT, 4),))
    yield from case("60_s_and_1_ms_after_start", ((TIMEOUT + 1, 4),))
    yield from case("single_heartbeat", ((soon, 1),))

    yield from case("switch", ((soon, 6),))
    yield from case("switch", ((soon, 6),), after=30 * SECOND, program=2)
    yield from case("switch", ((soon, 6),), after=60 * SECOND)
    yield from case("two_devices", ((soon, 10),), session="-tv")
    yield from case("two_devices", ((soon, 10),), session="-phone", device="phone")

    yield from case("crash", ((soon, 6),), session="-1")
    yield from case("crash", ((soon, 6),), session="-2", after=50 * SECOND)
    yield from case("crash_and_resumed", ((soon, 6), (30 * SECOND, 3)), ((3 * MINUTE, 6),))

    # told as ended when it fell silent, and begun anew; that it was one is known minutes later
    begin = plan.start + 30 * SECOND
    offline = Offline(begin, begin + 2 * MINUTE, begin + 6 * MINUTE)
    yield from case("late_joins_two", ((soon, 45),), offline=offline)
    yield from case("late_altogether", ((soon, 8),), after=30 * SECOND, offline=offline)

    yield from case("doubled", ((soon, 6),), mark=lambda count: (tuple(range(count)), ()))
    yield from case(
        "broken", ((soon, len(FLAWS)),), mark=lambda count: ((), tuple(enumerate(FLAWS[:count])))
    )
    for number in range(plan.wrong_clocks):
        after = number * plan.minutes * MINUTE // plan.wrong_clocks
        name = f"wrong_clock_{number + 1}"
        yield from case(name, ((soon, 10),), after=after, has_wrong_clock=True)
    yield from case("going_on", ((soon, 20),), after=plan.minutes * MINUTE - 40 * SECOND)


# -- How it is sent ----------------------------------------------------------------------------


class Run(NamedTuple):
    """Heartbeats that are sent as they happen. A run has just one in each slot of BEAT."""

    last_slot: int
    phase: int
    key: str
    head: str
    second: int
    tail: str
    reject: str | None


class Road:
    """What is on its way from the apps to the broker, slot by slot of BEAT."""

    def __init__(self, rng: Random):
        self.random = rng.random
        self.rng = rng
        self.active: list[Run] = []
        self.starting: dict[int, list[Run]] = defaultdict(list)
        self.on_their_way: dict[int, list[Message]] = defaultdict(list)

    def is_busy(self) -> bool:
        """Whether anything will arrive yet."""
        return bool(self.active or self.starting or self.on_their_way)

    def open(self, viewing: Viewing) -> None:
        """Let a viewing begin. What of it is not sent just so is sent here, and arrives later."""
        head = head_of(viewing)
        for stretch in (s for stream in viewing.streams for s in stream.stretches):
            begin, end = kept_back(stretch, viewing.offline)
            self.start_run(viewing, head, stretch, 0, begin)
            self.start_run(viewing, head, stretch, end, stretch.count)
            doubled, broken = stretch.marks
            for number in (*range(begin, end), *doubled):
                self.send(viewing, head, stretch.first + number * BEAT)
            for number, flaw in broken:
                self.send(viewing, head, stretch.first + number * BEAT, flaw)

    def start_run(self, viewing: Viewing, head: str, stretch: Stretch, begin: int, end: int):
        """Send the heartbeats from one number up to another as they happen."""
        if begin >= end:
            return
        slot, phase = divmod(stretch.first, BEAT)
        run = Run(
            slot + end - 1,
            phase,
            viewing.session_id,
            head,
            phase // SECOND + (BEAT // SECOND if viewing.has_wrong_clock else 0),
            f'.{phase % SECOND:03}Z"}}',
            IN_THE_FUTURE if viewing.has_wrong_clock else None,
        )
        self.starting[slot + begin].append(run)

    def send(self, viewing: Viewing, head: str, at: int, flaw: str | None = None) -> None:
        """Send the heartbeat of a moment."""
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
        self.on_their_way[received_at // BEAT].append(message)

    def delay(self) -> int:
        """Return how long a message takes: mostly little, seldom two seconds."""
        chance = self.random()
        return 20 + int(chance * chance * chance * 2_000)

    def arrivals(self, slot: int) -> list[Message]:
        """Let the heartbeats of a slot happen, and return what arrives in it, in order.

        Nothing arrives before it happened, so what happens later cannot arrive in this slot.
        """
        runs = [run for run in self.active if run.last_slot >= slot]
        runs += self.starting.pop(slot, ())
        self.active = runs
        begin = slot * BEAT
        seconds = [
            write_second((begin + ahead) // SECOND + second)
            for ahead in (0, AHEAD)
            for second in range(BEAT // SECOND)
        ]
        # all the time of a simulation is spent here
        on_their_way, random = self.on_their_way, self.random
        for _, phase, key, head, second, tail, reject in runs:
            chance = random()
            received_at = begin + phase + 20 + int(chance * chance * chance * 2_000)
            on_their_way[received_at // BEAT].append(
                Message(key, received_at, head + seconds[second] + tail, reject)
            )
        return sorted(on_their_way.pop(slot, ()), key=attrgetter("received_at"))


def kept_back(stretch: Stretch, offline: Offline | None) -> tuple[int, int]:
    """Return the first heartbeat that an app could not send, and the first that it could again."""
    if offline is None:
        return stretch.count, stretch.count
    happen = range(stretch.first, stretch.last + 1, BEAT)
    return bisect_left(happen, offline.begin), bisect_left(happen, offline.end)


def head_of(viewing: Viewing) -> str:
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
    """Return a moment as ISO 8601."""
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
        # no number and no truth value: who reads them as text is not wrong
        fields[field] = rng.choice(({"value": fields[field]}, [fields[field]], {}))
    else:
        fields[flaw.removeprefix("unreadable_")] = rng.choice(UNREADABLE)
    return json.dumps(fields, separators=(",", ":"))


def said(name: str) -> str:
    """Return a setting as people say it."""
    return name.replace("_", " ")
