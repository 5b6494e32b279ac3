"""Streams that only seem to have ended, because their heartbeats cannot be read, are withheld."""

import duckdb
import pytest
from support.kafka.listener import Scene, at, beats

from dwell.publishing.ledger import replace_withheld
from dwell.runtime.log import Rate
from dwell.streaming.circuit_breaker import CircuitBreaker, Minute
from dwell.streaming.listen import report_status

# Ten viewers watch for seven minutes. In the third and fourth, their producer sends userId, not
# user_id.
VIEWERS = [f"viewer{number}" for number in range(10)]
RENAMED = [
    message
    for viewer in VIEWERS
    for message in (
        beats(viewer, "0:00", "1:56")
        + beats(viewer, "2:00", "3:56", user_id="userId")
        + beats(viewer, "4:00", "7:00")
    )
]
# Two others stop of their own accord, before anything is wrong and after.
BEFORE, AFTER = beats("before", "0:00", "0:20"), beats("after", "5:00", "5:20")
# By the rule, with 2:04 of silence in between; but that silence is the producer's.
FIRST_PARTS = [(viewer, "0:00", "1:56") for viewer in VIEWERS]
SECOND_PARTS = [(viewer, "4:00", "7:00") for viewer in VIEWERS]
ENDED = [("after", "5:00", "5:20"), ("before", "0:00", "0:20")]


def heartbeats():
    return RENAMED + BEFORE + AFTER


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_a_renamed_field_ends_no_stream(scene):
    suspended, seen = [], {}

    def note(now):
        suspended.append((now, scene.listener.is_suspended))
        seen[now] = (scene.streams(), scene.listener.ongoing_count)

    scene.play(heartbeats(), "8:30", every=30, after_step=note)
    # from the first file with ten invalid messages, until the first whole minute that is valid
    open_at = [now for now, is_open in suspended if is_open]
    assert (open_at[0], open_at[-1], len(open_at)) == (at("2:30"), at("4:30"), 5)
    for now, (streams, ongoing) in seen.items():
        if at("1:30") <= now < at("6:00"):
            assert streams == [("before", "0:00", "0:20")], now
        if at("2:30") <= now <= at("4:00"):
            # nothing can be read, so no one has stopped
            assert ongoing == len(VIEWERS), now
    assert scene.streams() == sorted(ENDED + SECOND_PARTS)
    assert scene.listener.withheld_count == len(VIEWERS)


def test_a_restart_comes_to_the_same_result(scene):
    # before anything is wrong, while publishing is suspended, as it resumes, and afterwards
    restarts = [at("2:00"), at("3:00"), at("5:00"), at("6:00")]
    scene.play(
        heartbeats(),
        "9:00",
        every=60,
        after_step=lambda now: now in restarts and scene.start(),
    )
    assert scene.streams() == sorted(ENDED + SECOND_PARTS)


def test_a_backlog_comes_to_the_same_result(scene):
    scene.land(heartbeats())
    scene.step(at("12:00"))
    assert not scene.listener.is_suspended
    assert scene.streams() == sorted(ENDED + SECOND_PARTS)


def test_nothing_is_published_until_valid_heartbeats_come(scene):
    """Neither the time that passes nor a restart is a sign that the producer is right again."""
    scene.land([m for m in RENAMED if m[0] < at("4:00")])
    for minute in (4, 60):
        scene.step(at(f"{minute}:00"))
        assert scene.listener.is_suspended
        assert scene.listener.ongoing_count == len(VIEWERS)
        scene.start()
    # half a minute proves nothing
    scene.land(beats("other", "70:00", "70:28", every=1))
    scene.step(at("70:30"))
    assert scene.listener.is_suspended
    scene.land(beats("other", "70:30", "71:04", every=1))
    scene.step(at("71:05"))
    assert not scene.listener.is_suspended
    scene.step(at("73:00"))
    assert scene.streams() == [("other", "70:00", "71:04")]


def test_one_wrong_producer_among_several(tmp_path):
    """A fifth of the messages is invalid, while those of others advance the watermark."""
    scene = Scene(tmp_path, max_ratio=0.1)
    wrong = beats("wrong", "0:00", "1:56") + beats("wrong", "2:00", "5:00", user_id="userId")
    right = [m for number in range(4) for m in beats(f"right{number}", "0:00", "5:00")]
    scene.play(wrong + right, "5:00", every=30)
    assert scene.listener.is_suspended
    assert scene.streams() == []


def test_invalid_messages_are_accepted_on_request(scene):
    scene.land(heartbeats())
    scene.step(at("12:00"))
    scene.start(accepts_invalid=True)
    scene.step(at("12:00"))
    everything = sorted(ENDED + FIRST_PARTS + SECOND_PARTS)
    assert scene.streams() == everything
    # what is accepted stays accepted, and what comes after is not
    published = len(scene.published())
    scene.start()
    scene.step(at("12:10"))
    assert len(scene.published()) == published == len(everything)
    scene.land(
        beats("new", "13:00", "13:56") + beats("new", "14:00", "15:00", every=1, user_id="userId")
    )
    scene.step(at("20:00"))
    assert scene.listener.is_suspended
    assert scene.streams() == everything


def test_repaired_messages_are_published(scene):
    """The field has another name from the beginning, and a user maps it."""
    scene.land(beats("new", "0:00", "2:00", user_id="userId"))
    scene.step(at("4:00"))
    assert scene.listener.is_suspended
    scene.start(settings={"heartbeats_columns": {"user_id": "userId"}})
    scene.dbt._manifest = None
    result = scene.dbt.run("build", "--select", "stg_watch__heartbeat_rows+", "--full-refresh")
    assert result.success
    scene.step(at("4:00"))
    assert scene.streams() == [("new", "0:00", "2:00")]
    assert scene.listener.withheld_count == 0


def test_a_partition_that_lands_later_shows_that_a_minute_is_valid(scene):
    """The same process then publishes streams that it has withheld."""
    scene.land(beats("a", "0:00", "1:56") + [(at("2:10"), b"{")] * 20, partition=0)
    scene.land(beats("b", "3:00", "4:28"), partition=1)
    scene.step(at("6:00"))
    assert scene.streams() == [("b", "3:00", "4:28")]
    assert scene.listener.withheld_count == 1
    # 20 of 257 messages
    scene.land(beats("c", "2:00", "2:59", every=0.25), partition=2)
    scene.step(at("6:10"))
    assert scene.streams() == [
        ("a", "0:00", "1:56"),
        ("b", "3:00", "4:28"),
        ("c", "2:00", "2:59"),
    ]
    assert scene.listener.withheld_count == 0


def test_a_full_refresh_alone_repairs_nothing(scene):
    scene.land(heartbeats())
    scene.step(at("12:00"))
    result = scene.dbt.run("run", "--select", "stg_watch__heartbeat_rows+", "--full-refresh")
    assert result.success
    scene.start()
    scene.step(at("12:00"))
    assert scene.streams() == sorted(ENDED + SECOND_PARTS)


def test_the_status_line_always_has_the_rejects(scene):
    class Pool:
        message_count = lag = 0

    class Status:
        def update(self, now, message, **fields):
            self.message, self.fields = message, fields

    def status():
        found = Status()
        report_status(found, Rate(), scene.listener, Pool(), 0.1)
        return found

    assert "0.0% of the last minute's rejected (0 in all)" in status().message
    scene.land(beats("right", "0:00", "0:59", every=1) + [(at("0:59"), b"{")] * 6)
    scene.step(at("1:00"))
    right = status()
    assert "9.1% of the last minute's rejected (6 in all)" in right.message
    assert (right.fields["rejected"], right.fields["invalid_ratio"]) == (6, 0.0909)
    assert not right.fields["is_suspended"]
    scene.land([(at("1:01"), b"{")] * 20)
    scene.step(at("2:00"))
    wrong = status()
    assert wrong.message.startswith(
        "PUBLISHING IS SUSPENDED: 20 of the 20 messages received in the minute 2025-01-01 12:01 "
        "UTC are invalid (100.0%, most often unreadable_row); "
    )
    assert (wrong.fields["rejected"], wrong.fields["is_suspended"]) == (26, True)


# -- Minutes -----------------------------------------------------------------------------------


def breaker_of(minutes, max_ratio=0.1, min_count=10, accepted=()):
    """A circuit breaker that has seen {minute after noon: (valid, invalid)}."""
    with duckdb.connect() as connection:
        connection.execute(
            """create table dwell_heartbeat_minutes (
            received_minute timestamp, rows_accepted bigint, rows_rejected bigint);
            create table dwell_heartbeats_rejected (received_at timestamp, reject_reason varchar);
            create table dwell_heartbeats_landed (rows_rejected bigint)"""
        )
        for minute, counts in minutes.items():
            row = [at(f"{minute}:00"), *counts]
            connection.execute("insert into dwell_heartbeat_minutes values (?, ?, ?)", row)
        for reason in ("missing_user_id", "missing_device", "missing_device"):
            connection.execute(
                "insert into dwell_heartbeats_rejected values (?, ?)", [at("1:59"), reason]
            )
        breaker = CircuitBreaker(max_ratio, min_count)
        breaker.update(connection, lambda minutes: {at(f"{minute}:00") for minute in accepted})
    return breaker


@pytest.mark.parametrize(
    "valid, invalid, is_invalid",
    [
        (0, 0, False),
        # too few to prove anything
        (0, 9, False),
        (0, 10, True),
        # a tenth is not more than a tenth
        (90, 10, False),
        (89, 10, True),
        (9_000, 1_000, False),
        (9_000, 1_001, True),
    ],
)
def test_which_minute_is_invalid(valid, invalid, is_invalid):
    breaker = breaker_of({1: (valid, invalid)})
    assert bool(breaker.invalid_minutes) == is_invalid
    assert breaker.is_open(at("1:30")) == is_invalid


def test_a_ratio_of_1_publishes_always():
    assert not breaker_of({1: (0, 1_000)}, max_ratio=1).invalid_minutes


@pytest.mark.parametrize(
    "minutes, now, is_open",
    [
        ({0: (50, 0), 1: (0, 50)}, "99:00", True),
        ({0: (50, 0), 1: (0, 50), 5: (1, 0)}, "5:59.999", True),
        ({0: (50, 0), 1: (0, 50), 5: (1, 0)}, "6:00", False),
        # a minute of few invalid messages alone shows nothing
        ({0: (50, 0), 1: (0, 50), 5: (0, 3)}, "99:00", True),
        # again and again
        ({0: (50, 0), 1: (0, 50), 2: (50, 0), 3: (0, 50)}, "4:00", True),
        ({0: (50, 0), 1: (0, 50), 2: (50, 0), 3: (0, 50), 4: (50, 0)}, "5:00", False),
    ],
)
def test_when_publishing_resumes(minutes, now, is_open):
    assert breaker_of(minutes).is_open(at(now)) == is_open


def test_nothing_resumes_while_it_is_unknown_what_has_landed():
    assert breaker_of({1: (0, 50), 2: (50, 0)}).is_open(None)


def test_which_silence_proves_nothing():
    breaker = breaker_of({1: (0, 50), 2: (0, 50), 9: (0, 50), 20: (0, 50)}, accepted=[20])
    silence = at("1:05") - at("0:00")
    assert breaker.withheld_intervals(silence) == [
        (at("0:00") + (at("1:00") - at("1:05")), at("3:00")),
        (at("7:55"), at("10:00")),
    ]


def test_the_most_frequent_reason_is_reported():
    breaker = breaker_of({1: (20, 60)})
    assert breaker.describe() == (
        "60 of the 80 messages received in the minute 2025-01-01 12:01 UTC are invalid "
        "(75.0%, most often missing_device)"
    )
    assert breaker.fields() == {
        "invalid_ratio": 0.75,
        "invalid_count": 60,
        "message_count": 80,
        "reject_reason": "missing_device",
        "received_minute": "2025-01-01T12:01:00Z",
    }
    assert Minute(at("1:00"), 0, 0).ratio == 0


@pytest.mark.parametrize(
    "before, after, is_released",
    [
        ([], [(1, 3)], False),
        ([(1, 3)], [(1, 3)], False),
        ([(1, 3)], [(1, 4)], False),
        ([(1, 3), (5, 6)], [(0, 7)], False),
        ([(1, 3)], [], True),
        ([(1, 3)], [(2, 3)], True),
        ([(1, 3), (5, 6)], [(1, 3)], True),
    ],
)
def test_what_is_withheld_no_longer_is_noticed(before, after, is_released):
    def moments(intervals):
        return [(at(f"{first}:00"), at(f"{last}:00")) for first, last in intervals]

    with duckdb.connect() as connection:
        connection.execute("create table withheld (begins_at timestamp, ends_at timestamp)")
        replace_withheld(connection, moments(before))
        assert replace_withheld(connection, moments(after)) == is_released
        assert connection.execute("from withheld order by all").fetchall() == moments(after)
