"""`dwell listen` publishes the true streams, once, wherever it is killed."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import duckdb
import pytest
from support.kafka.published import PLAN, current_streams, truth
from support.killed.listener import POINTS
from support.project import ROOT

from dwell.cli.main import main
from dwell.kafka.progress import ConsumerProgress, PartitionProgress
from dwell.kafka.watermark import compute_watermark
from dwell.runtime.shutdown import ShutdownRequested
from dwell.sample.heartbeats import messages, rejects, write_time

DYING = ROOT / "tests/python/support/killed/listener.py"
PARTITIONS = 3


class Scene:
    """A topic of heartbeats, a topic of published streams, and a listener between them."""

    def __init__(self, broker, folder, name, draw):
        self.broker, self.folder, self.draw = broker, folder, draw
        self.beats = broker.topic(f"{name}-heartbeats", PARTITIONS)
        self.published = broker.topic(f"{name}-streams", 2)
        self.deaths = Counter()

    def send(self, plan=PLAN, seconds=0.0):
        """Send a simulation, evenly over some time, and then marks that advance the watermark."""
        sent = list(messages(plan))
        last = sent[-1].received_at
        slices = 20 if seconds else 1
        size = len(sent) // slices + 1
        for first in range(0, len(sent), size):
            part = [
                (sum(m.key.encode()) % PARTITIONS, m.payload.encode(), m.received_at)
                for m in sent[first : first + size]
            ]
            self.send_part(part)
            time.sleep(seconds / slices)
        end = last + 3_600_000
        self.send_part([(p, mark(p, end), end) for p in range(PARTITIONS)])

    def send_part(self, part):
        self.broker.send(self.beats, part, **{"enable.idempotence": True})

    def start(self, *options, **environment):
        return subprocess.Popen(
            [
                *(sys.executable, str(DYING), "listen", "--topic", self.beats),
                *("--landing", str(self.folder / "landing"), "--every", "0.5"),
                *("--publish-topic", self.published, "--grace", "1", *options),
                *("--publish-name", self.published),
            ],
            cwd=ROOT,
            env=os.environ
            | {
                "DWELL_KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap,
                "DWELL_DATABASE": str(self.folder / "dwell.duckdb"),
            }
            | environment,
            stderr=(self.folder / "log").open("a"),
            start_new_session=True,
        )

    def die_at(self, point, times, **environment):
        """Run until it dies at a point; return whether it reaches that within a minute."""
        process = self.start(DIE_AT=f"{point}:{times}", **environment)
        try:
            # the process that started a consumer notices its death
            died = process.wait(60) in (-signal.SIGKILL, 1)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            died = False
        self.deaths[point] += died
        return died

    def die_at_random(self, most_seconds):
        """Kill it after a while: all of it, or the process that steps, or one that consumes."""
        process = self.start()
        time.sleep(self.draw.uniform(0, most_seconds))
        victim = self.draw.choice(["all", "the one that steps", "one that consumes"])
        if victim == "all":
            os.killpg(process.pid, signal.SIGKILL)
        elif victim == "the one that steps":
            process.kill()
        else:
            children = subprocess.run(
                ["pgrep", "-P", str(process.pid)], capture_output=True, text=True
            ).stdout.split()
            for child in children:
                os.kill(int(child), signal.SIGKILL)
            time.sleep(0.5)
            process.kill()
        process.wait(60)
        self.deaths[victim] += 1

    def finish(self, **environment):
        """Run until everything is published, without a kill."""
        process = self.start("--until-end", **environment)
        assert process.wait(180) == 0, self.log()[-2000:]

    def log(self):
        return (self.folder / "log").read_text()

    def wait_until(self, is_so, process, seconds=180):
        """Wait for something while a process runs."""
        deadline = time.monotonic() + seconds
        while not is_so():
            assert process.poll() is None and time.monotonic() < deadline, self.log()[-2000:]
            time.sleep(0.5)

    def records(self):
        return [json.loads(message.value()) for message in self.broker.read(self.published)]

    def rows(self, query):
        with duckdb.connect(str(self.folder / "dwell.duckdb"), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(query).fetchall()


def mark(partition, at):
    """A heartbeat long after all others, in each partition: by then, all others have ended."""
    fields = {
        "user_id": "mark",
        "program_id": "mark",
        "start_time": write_time(at),
        "session_id": f"mark-{partition}",
        "device": "mark",
        "event_time": write_time(at),
    }
    return json.dumps(fields).encode()


def check(scene):
    assert current_streams(scene.records()) == truth()
    sent = sum(1 for _ in messages(PLAN)) + PARTITIONS
    rejected = sum(rejects(PLAN).values())
    ((read, accepted, rejected_rows, balanced),) = scene.rows(
        """select sum(rows_read) - sum(rows_redelivered), sum(rows_accepted), sum(rows_rejected),
        bool_and(is_balanced) from heartbeat_reconciliation"""
    )
    assert (read, accepted, rejected_rows, balanced) == (sent, sent - rejected, rejected, True)
    with duckdb.connect() as connection:
        landed = connection.execute(
            'select count(*), count(distinct ("partition", "offset")) from read_parquet(?)',
            [f"{scene.folder}/landing/*.parquet"],
        ).fetchone()
    assert landed == (sent, sent)


def test_it_publishes_the_true_streams_though_it_is_killed_at_every_point(broker, tmp_path):
    scene = Scene(broker, tmp_path, "points", random.Random(1))
    sending = threading.Thread(target=scene.send, kwargs={"seconds": 70})
    sending.start()
    for point in POINTS:
        assert scene.die_at(point, times=1), point
    sending.join()
    scene.finish()
    check(scene)
    print(dict(scene.deaths))


@pytest.mark.parametrize("without_transaction", [False, True])
def test_a_batch_that_was_sent_when_it_died_is_sent_once(broker, tmp_path, without_transaction):
    """The control: an idempotent producer alone publishes twice, and this test detects it."""
    more = {"WITHOUT_TRANSACTION": "1"} if without_transaction else {}
    scene = Scene(broker, tmp_path, f"control-{without_transaction}", random.Random(1))
    scene.send()
    assert scene.die_at("batch published", times=1, **more)
    scene.finish(**more)
    if without_transaction:
        with pytest.raises(AssertionError):
            current_streams(scene.records())
    else:
        check(scene)


def test_it_closes_the_streams_of_a_source_gone_quiet(broker, tmp_path):
    """By the broker's time and elapsed time: no heartbeat advances the watermark."""
    scene = Scene(broker, tmp_path, "quiet", random.Random(1))
    process = scene.start(VARS="{watch_timeout_seconds: 6}")
    try:
        while "consuming 3 partitions" not in scene.log():
            time.sleep(0.1)
        now, sent_at = int(time.time() * 1000), time.monotonic()
        beat = json.loads(mark(0, now)) | {"session_id": "s"}
        broker.send(scene.beats, [(0, json.dumps(beat).encode(), now)])
        while not (records := scene.records()):
            assert time.monotonic() - sent_at < 60
            time.sleep(0.1)
        # the timeout, and the second of grace
        assert time.monotonic() - sent_at >= 7
    finally:
        process.terminate()
        assert process.wait(30) == 0
    assert [(r["session_id"], r["stream_duration"]) for r in records] == [("s", 0.0)]


def partition(newest=None, complete_at=None):
    return PartitionProgress(0, newest_received_at=newest, complete_at=complete_at)


@pytest.mark.parametrize(
    "progress, expected",
    [
        # no consumer has reported yet, or one has not
        ([None], None),
        ([ConsumerProgress({0: partition(9_000, 5)}, 1, 4_000), None], None),
        # a partition that is behind holds all back
        ([ConsumerProgress({0: partition(9_000), 1: partition(2_000)}, 1, 4_000)], 2_000),
        (
            [
                ConsumerProgress({0: partition(9_000)}, 1, 4_000),
                ConsumerProgress({1: partition(2_000)}, 1, -9_000),
            ],
            2_000,
        ),
        # one that is silent does not, once it is known that it has nothing: 5 s of monotonic time
        # were 9 s of the broker's time, or later
        ([ConsumerProgress({0: partition(9_000), 1: partition(2_000, 5)}, 1, 4_000)], 9_000),
        ([ConsumerProgress({0: partition(9_000), 1: partition(None, 4)}, 1, 4_000)], 8_000),
        ([ConsumerProgress({0: partition(9_000), 1: partition(None, None)}, 1, 4_000)], None),
        # all are silent, and the watermark advances
        ([ConsumerProgress({0: partition(9_000, 65), 1: partition(2_000, 66)}, 1, 4_000)], 69_000),
        # a topic without a message has no watermark
        ([ConsumerProgress({0: partition(None, 65)}, 0, None)], None),
    ],
)
def test_watermark(progress, expected):
    assert compute_watermark(progress) == expected


def test_a_second_listener_leaves_the_first_alone(broker, tmp_path):
    scene = Scene(broker, tmp_path, "second", random.Random(1))
    process = scene.start()
    scene.send()
    while not scene.records():
        time.sleep(0.5)
    assert scene.start().wait(30) == 1
    log = scene.log()
    assert f"landed here already, by dwell listen, by process {process.pid}" in log
    while current_streams(scene.records()) != truth():
        assert process.poll() is None
        time.sleep(0.5)
    process.terminate()
    assert process.wait(30) == 0


def test_it_ends_when_asked_while_another_program_has_the_database(broker, tmp_path):
    scene = Scene(broker, tmp_path, "held", random.Random(1))
    scene.send()
    scene.finish()
    look = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); "
    look += "print('open', flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", look, str(scene.folder / "dwell.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    other.stdout.readline()
    process = scene.start()
    deadline = time.monotonic() + 30
    while "is open elsewhere" not in scene.log():
        assert time.monotonic() < deadline
        time.sleep(0.2)
    process.terminate()
    assert process.wait(10) == 0
    other.communicate(b"\n")


def test_it_ends_and_names_the_program_that_has_the_database_for_too_long(broker, tmp_path):
    """Messages land meanwhile, however long that is, and nothing is lost by the end."""
    scene = Scene(broker, tmp_path, "too-long", random.Random(1))
    half = [
        (sum(m.key.encode()) % PARTITIONS, m.payload.encode(), m.received_at)
        for m in messages(PLAN)
    ]
    scene.send_part(half[:3_000])
    scene.finish()
    look = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); "
    look += "print('open', flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", look, str(scene.folder / "dwell.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    other.stdout.readline()
    # its consumers report so often that their reports fill a pipe that no one reads
    process = scene.start("--every", "0.1", "--lock-timeout", "45")
    deadline = time.monotonic() + 60
    while "is open elsewhere" not in scene.log():
        assert time.monotonic() < deadline
        time.sleep(0.2)
    for first in range(3_000, len(half), 200):
        scene.send_part(half[first : first + 200])
        time.sleep(1)
    end = max(received_at for _, _, received_at in half) + 3_600_000
    scene.send_part([(p, mark(p, end), end) for p in range(PARTITIONS)])
    assert process.wait(90) == 1
    last = scene.log().splitlines()[-1]
    assert f"(PID {other.pid})" in last
    assert "is open in" in last
    with duckdb.connect() as connection:
        landed = connection.execute(
            "select count(*) from read_parquet(?)", [f"{scene.folder}/landing/*.parquet"]
        ).fetchone()
    assert landed == (len(half) + PARTITIONS,)
    other.communicate(b"\n")
    scene.finish()
    check(scene)


def test_a_renamed_field_ends_no_stream(broker, tmp_path):
    """Nor is any published by the next start, until a user accepts that they are lost."""
    scene = Scene(broker, tmp_path, "renamed", random.Random(1))
    # each whole minute is valid or not: the field is renamed at the start of one
    base = int(time.time()) // 60 * 60_000 - 3_600_000

    def beat(second, session, user="user_id"):
        fields = json.loads(mark(0, base + second * 1000)) | {
            "session_id": session,
            "start_time": write_time(base),
        }
        fields[user] = fields.pop("user_id")
        return 0, json.dumps(fields).encode(), base + second * 1000

    def send(seconds, user="user_id"):
        scene.send_part([beat(n, f"s{i}", user) for n in seconds for i in range(5)])
        # the other partitions have only marks that advance the watermark
        at = base + seconds[-1] * 1000
        scene.send_part([(p, mark(p, at), at) for p in range(1, PARTITIONS)])

    send(range(0, 300, 4))
    send(range(300, 600, 4), "userId")
    assert scene.start("--until-end").wait(120) == 1
    assert scene.records() == []
    last = json.loads(scene.log().splitlines()[-1])
    assert (last["is_suspended"], last["level"], last["rejected"]) == (True, "error", 375)
    assert scene.start("--until-end").wait(120) == 1
    send(range(600, 900, 4))
    scene.finish()
    assert scene.records() == []
    log = scene.log()
    assert "publishing is suspended" in log
    assert '"reject_reason": "missing_user_id"' in log
    scene.send_part([(p, mark(p, base + 3_600_000), base + 3_600_000) for p in range(PARTITIONS)])
    assert scene.start("--until-end", "--accept-invalid").wait(120) == 0
    ended = {(r["session_id"], r["stream_duration"]) for r in scene.records()}
    # 296 s twice, with the silence between that no one can explain; and what the marks have left
    assert {(f"s{i}", 296.0) for i in range(5)} <= ended
    assert sum(r["session_id"].startswith("s") for r in scene.records()) == 10


def test_what_does_not_belong_together_is_refused(broker, tmp_path):
    scene = Scene(broker, tmp_path, "wrong", random.Random(1))
    scene.send()
    # a wrong name creates nothing that a later start depends on
    assert scene.start("--publish-topic", "no-such-topic").wait(60) == 1
    scene.finish()
    assert scene.start("--publish-topic", broker.topic("another", 1)).wait(60) == 2
    (scene.folder / "landing" / "other.1-of-1.1.parquet").write_bytes(b"")
    assert scene.start().wait(60) == 2
    log = scene.log()
    for message in (
        "topic no-such-topic, to publish to: there is no such topic",
        f"is the ledger of topic {scene.published}, as {scene.published}, not of topic another",
        "has files that are not of wrong-heartbeats, such as other.1-of-1.1.parquet",
    ):
        assert message in log


def test_it_continues_when_the_broker_is_back(broker, tmp_path):
    scene = Scene(broker, tmp_path, "back", random.Random(1))
    sending = threading.Thread(target=scene.send, kwargs={"seconds": 25})
    process = scene.start()
    scene.wait_until(lambda: "consuming " in scene.log(), process)
    sending.start()
    scene.wait_until(lambda: any((tmp_path / "landing").glob("*.parquet")), process)
    broker.kill()
    scene.wait_until(lambda: "no broker can be reached" in scene.log(), process)
    broker.start()
    sending.join()
    scene.wait_until(lambda: current_streams(scene.records()) == truth(), process)
    process.terminate()
    assert process.wait(60) == 0
    assert "a broker answers again" in scene.log()
    check(scene)


@pytest.mark.long
def test_it_publishes_the_true_streams_though_it_is_killed_again_and_again(broker, tmp_path):
    """DWELL_KILLS kills at random moments (default 100), of the broker too."""
    kills = int(os.environ.get("DWELL_KILLS", "100"))
    scene = Scene(broker, tmp_path, "again", random.Random(7))
    sending = threading.Thread(target=scene.send, kwargs={"seconds": kills * 6})
    sending.start()
    for number in range(kills):
        if number % 10 == 9:
            scene.broker.kill()
            scene.broker.start()
            scene.deaths["broker"] += 1
        scene.die_at_random(14)
    sending.join()
    scene.finish()
    check(scene)
    print(dict(scene.deaths))


def test_asked_to_end_while_the_ledger_is_locked_it_ends(tmp_path, monkeypatch):
    def wait_for_the_lock(*_):
        raise ShutdownRequested

    monkeypatch.setattr("dwell.streaming.listen.Ledger", wait_for_the_lock)
    monkeypatch.setattr("dwell.runtime.shutdown.handle_signals", lambda: None)
    monkeypatch.setenv("DWELL_DATABASE", str(tmp_path / "dwell.duckdb"))
    kafka = ("--topic", "t", "--bootstrap-servers", "localhost:1")
    assert main(["listen", *kafka, "--landing", str(tmp_path / "landing")]) == 0
