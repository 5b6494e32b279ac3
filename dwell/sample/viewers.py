"""What the viewers of a simulation watch, and the edge cases of the rule among it."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any

from dwell.sample.plan import (
    BEAT,
    FLAWS,
    HOUR,
    MINUTE,
    SECOND,
    TIMEOUT,
    Marks,
    Offline,
    Pieces,
    Plan,
    Segment,
    Stream,
    Viewer,
    Viewing,
)

# The relative number of viewers that arrive at each hour of the day.
HOURS = (6, 3, 2, 1, 1, 1, 2, 4, 5, 5, 5, 6, 8, 8, 7, 8, 10, 13, 18, 24, 26, 22, 15, 10)
# minutes in which half of the viewers arrive, if the simulation begins at a peak
PEAK = 2

DEVICES = ("tv", "tv", "phone", "tablet", "browser", "console")
WITH_TWO_DEVICES = 0.08
# Of programs, the share after which another is watched; of these, the share that follows a crash.
WATCH_ON = 0.45
CRASHES = 0.15
LONG_PAUSES = 0.4
# Of pauses and of starts, the share that is exactly at the edge of the timeout.
AT_THE_EDGE = 0.03


def viewers(plan: Plan) -> Iterator[Viewer]:
    """Yield the viewers in the order of their arrival, those of the edge cases first."""
    yield Viewer(plan.start, tuple(cases(plan)))
    rng = Random(f"{plan.seed} viewers")
    for number, arrived_at in enumerate(arrival_times(rng, plan), 1):
        yield make_viewer(rng, plan, number, arrived_at)


def arrival_times(rng: Random, plan: Plan) -> Iterator[int]:
    """Yield when viewers arrive, in order: in each minute in proportion to its hour of the day."""
    weights = [
        HOURS[(plan.start + minute * MINUTE) // HOUR % 24] * PEAK for minute in range(plan.minutes)
    ]
    if plan.peak:
        in_peak = sum(weights) // PEAK
        weights[:PEAK] = [weight + in_peak for weight in weights[:PEAK]]
    total, weight_so_far, arrived = sum(weights), 0, 0
    for minute, weight in enumerate(weights):
        weight_so_far += weight
        expected = plan.viewers * weight_so_far // total
        begin = plan.start + minute * MINUTE
        yield from sorted(begin + rng.randrange(MINUTE) for _ in range(expected - arrived))
        arrived = expected


def make_viewer(rng: Random, plan: Plan, number: int, arrived_at: int) -> Viewer:
    """Return a viewer with one app session, or with two at the same time."""
    user_id, device = f"u{number:06}", rng.choice(DEVICES)
    viewings = make_session(rng, plan, user_id, device, arrived_at)
    if rng.random() < WITH_TWO_DEVICES:
        other = rng.choice([d for d in DEVICES if d != device])
        second_at = arrived_at + rng.randrange(2 * MINUTE)
        viewings += make_session(rng, plan, user_id, other, second_at)
    return Viewer(arrived_at, tuple(viewings))


def make_session(rng: Random, plan: Plan, user_id: str, device: str, start: int) -> list[Viewing]:
    """Return what is watched in a session, one program after another.

    After a crash the viewer returns to the same program, in another session.
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
    """Return a unique session id."""
    return f"s-{rng.getrandbits(64):016x}"


def choose_program(rng: Random, plan: Plan) -> str:
    """Return a program; many viewers watch a few of them."""
    return program_name(1 + int(plan.programs * rng.random() * rng.random()))


def program_name(number: int) -> str:
    """Return the id of a program."""
    return f"p{number:04}"


def make_pieces(rng: Random, plan: Plan) -> list[list[tuple[int, int]]]:
    """Return how a program is watched: streams of (silence before, heartbeats).

    A pause and an app that crashes and resumes look the same: nothing is sent.
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
    """Return how long a program is watched: seconds, a while, or a film to its end."""
    kind = rng.random()
    if kind < 0.25:
        return rng.randint(2 * SECOND, MINUTE)
    if kind < 0.85:
        return rng.randint(3 * MINUTE, 45 * MINUTE)
    return rng.randint(45 * MINUTE, 120 * MINUTE)


def make_startup(rng: Random) -> int:
    """Return how long after its start an app sends its first heartbeat; some show ads first."""
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
    """Return a time without sending; some apps send the heartbeats long after they are back."""
    begin = rng.randint(planned[0].first, planned[-1].last)
    end = begin + rng.randint(20 * SECOND, 15 * MINUTE)
    wait = rng.randint(2 * MINUTE, HOUR) if rng.random() < 0.6 else rng.randint(SECOND, 5 * SECOND)
    return Offline(begin, end, end + wait)


def make_marks(rng: Random, plan: Plan, count: int) -> Marks:
    """Return which of `count` heartbeats are sent twice, and which are sent with a flaw first."""
    return (
        tuple(pick(rng, count, plan.double)),
        tuple((number, rng.choice(FLAWS)) for number in pick(rng, count, plan.broken)),
    )


def no_marks(count: int) -> Marks:
    """Return that no heartbeat is sent twice or with a flaw."""
    return (), ()


def pick(rng: Random, count: int, share: float) -> Iterator[int]:
    """Yield numbers below `count`, each with the same probability.

    The steps between them are drawn from a geometric distribution, so that numbers that are not
    picked cost nothing.
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
    pieces: Iterable[Pieces],
    mark: Callable[[int], Marks],
) -> tuple[Stream, ...]:
    """Return the streams of a viewing that begins at `start`, until the end of the simulation."""
    at = start
    planned = []
    for piece in pieces:
        segments = []
        for silence, count in piece:
            at += silence
            count = min(count, (plan.end - at) // BEAT + 1)
            if count <= 0:
                # the next ones would be even later
                break
            segments.append(Segment(at, count, mark(count)))
            at = segments[-1].last
        if segments:
            planned.append(Stream(tuple(segments)))
        if len(segments) < len(piece):
            break
    return tuple(planned)


def cases(plan: Plan) -> Iterator[Viewing]:
    """Yield viewings at the edges of the rule, of users named for the case.

    Each of the `pieces` is a stream, written as (silence before, heartbeats).
    """
    soon = 500

    def case(
        name: str,
        *pieces: Pieces,
        after: int = soon,
        program: int = 1,
        session: str = "",
        device: str = "tv",
        mark: Callable[[int], Marks] = no_marks,
        **options: Any,
    ) -> Iterator[Viewing]:
        start = plan.start + after
        identity = (name, program_name(program), start, f"s-{name}{session}", device)
        if planned := lay_out(plan, start, pieces, mark):
            yield Viewing(*identity, planned, **options)

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

    # published as two streams; minutes later, late heartbeats show that they are one
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
