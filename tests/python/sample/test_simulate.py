"""The simulated heartbeats make the true streams of the simulation; a small oracle counts them."""

import csv
import itertools
import json
import os
import re
import subprocess
import sys
import time
import tracemalloc
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.project import ROOT

from dwell.cli.main import main
from dwell.sample import heartbeats, simulate
from dwell.sample.plan import FLAWS, Plan

SEED_FILE = ROOT / "seeds" / "watch_heartbeats.csv"
SIX = ("user_id", "program_id", "start_time", "session_id", "device", "event_time")
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
JANUARY_2000 = 946_684_800_000

PLANS = {
    "as it is": Plan(viewers=40),
    "seed 2": Plan(seed=2, viewers=40),
    "seed 3": Plan(seed=3, viewers=40),
    "all at once": Plan(
        seed=4, viewers=30, pause=1, late=1, double=0.5, broken=0.5, wrong_clocks=9
    ),
    "all of it twice, and broken": Plan(seed=5, viewers=5, minutes=9, double=1, broken=1),
    "nothing goes wrong": Plan(
        seed=6, viewers=20, pause=0, late=0, double=0, broken=0, wrong_clocks=0
    ),
    "one program, at the peak": Plan(seed=7, viewers=60, programs=1, minutes=15, peak=True),
    "the cases alone": Plan(viewers=0),
    "a minute": Plan(seed=8, viewers=50, minutes=1, start=Plan().start + 1_234),
}


# -- The oracle --------------------------------------------------------------------------------


def millis(text):
    """Return a time in milliseconds since 1970, or None."""
    if not ISO.fullmatch(text):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def validate(payload, received_at):
    """Return a payload's fields, or None, and the reason to reject it, or None."""
    if not payload:
        return None, "empty_payload"
    try:
        fields = json.loads(payload)
    except ValueError:
        return None, "broken_json"
    if not isinstance(fields, dict):
        return None, "not_an_object"
    return validate_fields(fields, received_at)


def validate_fields(fields, received_at):
    for name in SIX:
        if fields.get(name) in (None, ""):
            return None, f"missing_{name}"
        if not isinstance(fields[name], str):
            return None, f"wrong_type_{name}"
    for name in ("start_time", "event_time"):
        if millis(fields[name]) is None:
            return None, f"unreadable_{name}"
    if millis(fields["event_time"]) > received_at + HOUR:
        return None, "in_the_future"
    if not JANUARY_2000 <= millis(fields["start_time"]) <= received_at + HOUR:
        return None, "an impossible start_time"
    return fields, None


def split(times):
    """Return the streams among the times of one identity."""
    streams = []
    for at in sorted(times):
        if streams and at - streams[-1][-1] <= 60 * SECOND:
            streams[-1].append(at)
        else:
            streams.append([at])
    return streams


def by_identity(heartbeats):
    found = defaultdict(list)
    for fields in heartbeats:
        found[tuple(fields[name] for name in SIX[:5])].append(millis(fields["event_time"]))
    return found


def streams_of(heartbeats):
    """Apply the rule to heartbeats; return rows like those of the truth, sorted."""
    rows = []
    for identity, times in by_identity(heartbeats).items():
        for stream in split(times):
            start = millis(identity[2])
            begin = start if stream[0] - start <= 60 * SECOND else stream[0]
            rows.append((*identity, stream[-1] - begin, stream[0], stream[-1], len(stream)))
    return sorted(rows)


def truth_of(plan):
    """Return the true streams of the simulation, as rows of the same form."""
    return sorted(
        (
            viewing.user_id,
            viewing.program_id,
            heartbeats.write_time(viewing.start),
            viewing.session_id,
            viewing.device,
            stream.duration(viewing.start),
            stream.first,
            stream.last,
            stream.heartbeats,
        )
        for viewing, stream in heartbeats.streams(plan)
    )


@pytest.fixture(params=PLANS.values(), ids=PLANS.keys())
def plan(request):
    return request.param


# -- The messages and their truth --------------------------------------------------------------


def test_the_truth_equals_the_rule_applied_to_the_heartbeats(plan):
    accepted = [validate(m.payload, m.received_at)[0] for m in heartbeats.messages(plan)]
    assert truth_of(plan) == streams_of(fields for fields in accepted if fields)


def test_every_reject_is_known_with_its_reason(plan):
    sent = list(heartbeats.messages(plan))
    assert [validate(m.payload, m.received_at)[1] for m in sent] == [m.reject for m in sent]
    assert Counter(m.reject for m in sent if m.reject) == heartbeats.rejects(plan)


def test_messages_come_in_order_and_after_they_happened(plan):
    sent = list(heartbeats.messages(plan))
    assert all(a.received_at <= b.received_at for a, b in itertools.pairwise(sent))
    for message in sent:
        if message.reject is None:
            fields = json.loads(message.payload)
            assert list(fields) == list(SIX)
            assert message.key == fields["session_id"]
            event_at = millis(fields["event_time"])
            assert plan.start <= millis(fields["start_time"]) <= event_at <= plan.end
            assert event_at <= message.received_at


def test_every_flaw_is_made():
    counts = heartbeats.rejects(Plan(viewers=0))
    assert counts.keys() == {*FLAWS, "in_the_future"}
    assert {
        "empty_payload",
        "broken_json",
        "not_an_object",
        *(f"{flaw}_{name}" for flaw in ("missing", "wrong_type") for name in SIX),
        "unreadable_start_time",
        "unreadable_event_time",
    } == set(FLAWS)


def test_missing_is_absent_or_null_or_empty():
    plan = Plan(viewers=5, broken=1)
    fields = [
        json.loads(m.payload)
        for m in heartbeats.messages(plan)
        if m.reject == "missing_device" and m.payload
    ]
    assert {f.get("device", "absent") for f in fields} == {None, "", "absent"}


def test_most_heartbeats_come_four_seconds_after_the_one_before():
    accepted = (
        validate(m.payload, m.received_at)[0]
        for m in heartbeats.messages(Plan(double=0, viewers=50))
    )
    gaps = Counter(
        later - earlier
        for times in by_identity(filter(None, accepted)).values()
        for earlier, later in itertools.pairwise(sorted(times))
    )
    # but for the case in which all are sent twice
    assert gaps.pop(0) == 6
    assert min(gaps) == 4 * SECOND
    assert gaps[4 * SECOND] > 0.99 * gaps.total()
    assert gaps[60_000] >= 3 and gaps[60_001] >= 1


def test_shares_are_kept():
    plan = Plan(viewers=200, late=0, double=0.05, broken=0.02)
    messages = list(heartbeats.messages(plan))
    sent = Counter(m.payload for m in messages if m.reject is None)
    twice = sum(count == 2 for count in sent.values())
    broken = sum(m.reject in FLAWS for m in messages)
    assert set(sent.values()) == {1, 2}
    assert twice == pytest.approx(0.05 * len(sent), rel=0.1)
    assert broken == pytest.approx(0.02 * len(sent), rel=0.1)


def test_wrong_clocks_are_as_many_as_asked_for():
    far = {m.key for m in heartbeats.messages(Plan(wrong_clocks=5)) if m.reject == "in_the_future"}
    assert len(far) == 5


def test_viewers_come_when_the_hour_is_busy():
    midnight = Plan().start - 19 * HOUR
    plan = Plan(viewers=1_000, minutes=24 * 60, start=midnight)
    come = Counter((v.arrived_at - midnight) // HOUR for v in heartbeats.viewers(plan))
    # the cases precede the others, as one viewer
    assert come.total() == plan.viewers + 1
    assert come[20] > 10 * come[4] > 0


def test_half_of_the_viewers_come_at_a_peak():
    plan = Plan(viewers=1_000, peak=True)
    early = sum(v.arrived_at < plan.start + 2 * MINUTE for v in heartbeats.viewers(plan))
    assert 500 <= early <= 600


def test_the_same_plan_gives_the_same_and_another_seed_does_not():
    plan = Plan(viewers=20)
    once, again = list(heartbeats.messages(plan)), list(heartbeats.messages(plan))
    assert once == again
    assert truth_of(plan) == truth_of(plan)
    assert once != list(heartbeats.messages(Plan(viewers=20, seed=2)))


def test_a_long_simulation_begins_at_once():
    began = time.perf_counter()
    next(heartbeats.messages(Plan(viewers=5_000_000, minutes=100_000)))
    assert time.perf_counter() - began < 2


def test_memory_does_not_grow_with_the_heartbeats():
    def peak_of(hours):
        tracemalloc.start()
        # from six in the morning, so that no hour is much busier than the first
        plan = Plan(viewers=15 * hours, minutes=60 * hours, start=Plan().start - 13 * HOUR)
        count = sum(1 for _ in heartbeats.messages(plan))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return count, peak

    (few, low), (many, high) = peak_of(1), peak_of(4)
    assert many > 3 * few
    assert high < 2 * low


# -- The sample --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows():
    with SEED_FILE.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def accepted(rows):
    """Return the accepted rows, in the order of arrival."""
    return [r for r in rows if validate_fields(r, millis(r["received_at"]))[1] is None]


@pytest.fixture(scope="module")
def viewings(accepted):
    """Return {identity: its times in order}."""
    return {identity: sorted(times) for identity, times in by_identity(accepted).items()}


def gaps_of(viewings):
    return Counter(b - a for times in viewings.values() for a, b in itertools.pairwise(times))


def test_the_sample_is_what_the_command_writes(cli, tmp_path):
    written = tmp_path / "written.csv"
    assert cli(*simulate.SAMPLE.split(), "--output", written) == 0
    assert written.read_bytes() == SEED_FILE.read_bytes()


def test_the_sample_is_small_and_in_the_order_of_arrival(rows):
    assert list(rows[0]) == [*SIX, "received_at"]
    assert 600 <= len(rows) <= 1_500
    received = [row["received_at"] for row in rows]
    assert received == sorted(received)


def test_the_sample_has_short_and_long_pauses_and_both_sides_of_the_edge(viewings):
    gaps = gaps_of(viewings)
    assert sum(4 * SECOND < gap < 60 * SECOND for gap in gaps) >= 5
    assert sum(gap > 61 * SECOND for gap in gaps) >= 3
    assert gaps[60_000] >= 3
    assert gaps[60_001] >= 1
    startups = {times[0] - millis(identity[2]) for identity, times in viewings.items()}
    assert {60_000, 60_001} <= startups


def test_in_the_sample_programs_are_switched(viewings):
    sessions = defaultdict(list)
    for (_, program, start, session, _), times in viewings.items():
        sessions[session].append((start, program, times))
    switches = [
        (before[1], after[1])
        for session in sessions.values()
        for before, after in itertools.pairwise(sorted(session))
        if before[2][-1] < after[2][0] <= before[2][-1] + MINUTE
    ]
    assert len(switches) >= 3
    assert any(before != after for before, after in switches)
    # and one comes back to what was watched before
    assert any(
        len({program for _, program, _ in session}) < len(session) for session in sessions.values()
    )


def test_in_the_sample_a_user_watches_on_two_devices_at_once(viewings):
    assert any(
        one[0] == two[0] and one[4] != two[4] and a[0] <= b[0] <= a[-1]
        for (one, a), (two, b) in itertools.permutations(viewings.items(), 2)
    )


def test_in_the_sample_viewers_come_back_after_a_crash(viewings):
    assert any(
        (one[0], one[1], one[4]) == (two[0], two[1], two[4])
        and one[3] != two[3]
        and a[-1] < b[0] < a[-1] + 20 * MINUTE
        for (one, a), (two, b) in itertools.permutations(viewings.items(), 2)
    )
    # and one goes on as if nothing had been
    assert len(split(viewings[next(i for i in viewings if i[0] == "crash_and_resumed")])) == 2


def test_at_the_end_of_the_sample_streams_go_on(viewings):
    newest = max(times[-1] for times in viewings.values())
    going_on = {identity[0] for identity, times in viewings.items() if times[-1] >= newest - MINUTE}
    assert "going_on" in going_on
    assert 1 < len(going_on) < len(viewings)


def test_in_the_sample_a_late_heartbeat_joins_streams_that_were_over(accepted, viewings):
    newest, seen, joined = 0, defaultdict(list), []
    for row in accepted:
        identity, at = tuple(row[name] for name in SIX[:5]), millis(row["event_time"])
        over = [s for s in split(seen[identity]) if newest > s[-1] + MINUTE]
        final = split(viewings[identity])
        if any(sum(s[0] in stream for s in over) > 1 for stream in final):
            joined.append(identity[0])
        seen[identity].append(at)
        newest = max(newest, at)
    assert "late_joins_two" in joined


def test_in_the_sample_heartbeats_come_twice(accepted):
    copies = Counter(tuple(row[name] for name in SIX) for row in accepted)
    assert sum(count == 2 for count in copies.values()) >= 10


def test_the_sample_shows_every_flaw_that_a_csv_can(rows):
    reasons = Counter(validate_fields(r, millis(r["received_at"]))[1] for r in rows)
    assert reasons.keys() == {
        None,
        *(f"missing_{name}" for name in SIX),
        "unreadable_start_time",
        "unreadable_event_time",
        "in_the_future",
    }
    assert reasons["in_the_future"] >= 5
    for row in rows:
        if row["user_id"].startswith("wrong_clock") and row["event_time"]:
            assert int(row["event_time"][:4]) > int(row["received_at"][:4]) + 20


def test_streams_of_the_sample_are_the_true_ones(accepted):
    options = dict(zip(*[iter(simulate.SAMPLE.split())] * 2, strict=True))
    del options["--format"]
    numbers = {name.removeprefix("--"): json.loads(value) for name, value in options.items()}
    assert truth_of(Plan(**numbers)) == streams_of(accepted)


# -- The command -------------------------------------------------------------------------------


@pytest.fixture
def cli():
    """Return the command: it takes options and gives the exit code."""

    def run(*options):
        return main(["simulate", *map(str, options)])

    return run


SMALL = ("--viewers", "5", "--minutes", "12", "--broken", "0.1")


def test_jsonl_has_one_payload_a_line(cli, capsys):
    assert cli(*SMALL) == 0
    out, err = capsys.readouterr()
    sent = list(heartbeats.messages(Plan(viewers=5, minutes=12, broken=0.1)))
    assert out == "".join(f"{message.payload}\n" for message in sent)
    counts = heartbeats.rejects(Plan(viewers=5, minutes=12, broken=0.1))
    assert all(f"{count:,} {reason}" in err for reason, count in counts.items())


def test_csv_shows_what_a_csv_can(cli, capsys):
    assert cli(*SMALL, "--format", "csv") == 0
    out, err = capsys.readouterr()
    shown = list(csv.DictReader(out.splitlines()))
    assert list(shown[0]) == [*SIX, "received_at"]
    reasons = Counter(validate_fields(r, millis(r["received_at"]))[1] for r in shown)
    plan = Plan(viewers=5, minutes=12, broken=0.1)
    sent = Counter(m.reject for m in heartbeats.messages(plan))
    assert reasons.keys() < sent.keys()
    assert reasons == {reason: sent[reason] for reason in reasons}
    assert "broken_json" in sent and "broken_json" not in err
    del reasons[None]
    assert all(f"{count:,} {reason}" in err for reason, count in reasons.items())


def test_the_truth_is_a_csv(cli, capsys, tmp_path):
    assert cli(*SMALL, "--truth", tmp_path / "truth.csv", "--output", tmp_path / "out") == 0
    assert capsys.readouterr().out == ""
    with (tmp_path / "truth.csv").open(newline="") as file:
        header, *found = csv.reader(file)
    assert header == [
        *SIX[:5],
        "stream_duration",
        "first_heartbeat_at",
        "last_heartbeat_at",
        "heartbeats",
    ]
    assert sorted(
        (*r[:5], round(float(r[5]) * SECOND), millis(r[6]), millis(r[7]), int(r[8])) for r in found
    ) == truth_of(Plan(viewers=5, minutes=12, broken=0.1))
    assert all(re.fullmatch(r"\d+\.\d{3}", r[5]) for r in found)


def test_start_is_read_as_utc_where_no_zone_is_named(cli, capsys):
    written = []
    for start in ("2026-01-02T10:00:00", "2026-01-02T10:00:00Z", "2026-01-02T11:00:00+01:00"):
        assert cli(*SMALL, "--start", start) == 0
        written.append(capsys.readouterr().out)
    assert written[0] == written[1] == written[2]
    assert '"start_time":"2026-01-02T10:00:00.500Z"' in written[0]


def test_two_processes_write_the_same(tmp_path):
    written = []
    for number in ("1", "2"):
        command = [sys.executable, "-m", "dwell", "simulate", *SMALL]
        command += ["--truth", tmp_path / "truth.csv"]
        environment = os.environ | {"PYTHONHASHSEED": number}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
        written.append((done.stdout, (tmp_path / "truth.csv").read_bytes()))
    assert written[0] == written[1]
    assert len(written[0][0]) > 10_000


@pytest.mark.parametrize("viewers", ["1", "500"])
def test_who_reads_may_stop(viewers):
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "dwell", "simulate", "--viewers", viewers]
    done = subprocess.run(command, cwd=ROOT, stdout=writes, stderr=subprocess.PIPE, text=True)
    os.close(writes)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("options", "sentence"),
    {
        ("--viewers", "-1"): "dwell: viewers must be at least 0",
        ("--viewers", "many"): "Invalid value for '--viewers': 'many' is not a valid integer",
        ("--programs", "0"): "dwell: programs must be at least 1",
        ("--minutes", "0"): "dwell: minutes must be at least 1",
        ("--minutes", "10000000"): "dwell: minutes must be at most 527040, a year",
        ("--wrong-clocks", "-1"): "dwell: wrong clocks must be at least 0",
        ("--pause", "1.5"): "dwell: pause is a share and must be from 0 to 1",
        ("--late", "-0.1"): "dwell: late is a share and must be from 0 to 1",
        ("--double", "nan"): "dwell: double is a share and must be from 0 to 1",
        ("--broken", "a lot"): "Invalid value for '--broken': 'a lot' is not a valid float",
        ("--start", "soon"): "must be a time since 2000, such as 2025-03-12T19:00:00Z, not 'soon'",
        ("--start", "1999-01-01"): "must be a time since 2000",
        ("--format", "xml"): "Invalid value for '--format': 'xml' is not one of 'jsonl', 'csv'",
        ("--truth", "-"): "dwell: the messages and their truth cannot be written to one file",
        ("--colour", "2"): "No such option '--colour'",
    }.items(),
)
def test_wrong_options_are_reported_in_a_sentence(cli, capsys, options, sentence):
    assert cli(*options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1


def test_a_file_that_cannot_be_written_is_named(cli, capsys):
    assert cli("--output", "/nowhere/at/all") == 1
    message = "dwell: /nowhere/at/all cannot be written: No such file or directory\n"
    assert capsys.readouterr() == ("", message)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_full_disk_is_reported_with_the_file(cli, capsys):
    assert cli("--output", "/dev/full") == 1
    assert "dwell: /dev/full cannot be written: No space left" in capsys.readouterr().err


def test_help_describes_every_option(cli, capsys):
    assert cli("--help") == 0
    text = capsys.readouterr().out
    for name in Plan.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in text
