"""Flink, with two tasks and a kill -9, computes the streams that dbt computes for a topic.

Late heartbeats are the exception: Flink writes them into a topic of their own. Without them dbt has
the same rows, and with that topic dbt has everything.
"""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.kafka.flink_job import Job, mark_time
from support.optional import need
from support.project import Project

from dwell.landing.folder import SCHEMA
from dwell.sample.heartbeats import Message, messages, write_time
from dwell.sample.plan import FIELDS, MINUTE, Plan

PLAN = Plan(seed=5, viewers=60, minutes=40, pause=0.6, late=0.4, double=0.02, broken=0.01)
BUSY, ALL = 3, 4  # of four partitions, one never gets anything
END = write_time(PLAN.end + 180 * MINUTE)
LATE = 10_000  # ms
IMPOSSIBLE = ("before_2000", "started_before_2000", "started_in_9999")
IDENTITY = "user_id, program_id, start_time, session_id, device"
COLUMNS = (
    f"{IDENTITY}, stream_duration, began_at, first_heartbeat_at, last_heartbeat_at, heartbeats"
)


def heartbeat(name, minute, ahead=0, **fields):
    """A heartbeat of a case, received in a minute of the plan; its time may be ahead (ms)."""
    at = PLAN.start + round(minute * MINUTE)
    usual = dict(zip(FIELDS, (name, "p", write_time(PLAN.start), name, "tv", ""), strict=True))
    usual["event_time"] = write_time(at + ahead)
    return Message(name, at, json.dumps(usual | fields))


def cases():
    """Edge cases of Flink's documentation and of dwell's."""
    for silence in (59_999, 60_000, 60_001):
        name = f"silent_for_{silence}"
        yield heartbeat(name, 20)
        yield heartbeat(name, 20 + silence / MINUTE)
    # none of these may end the streams of others: the watermark is the broker's
    for ahead in (30 * MINUTE, 60 * MINUTE, 60 * MINUTE + 1, 1_000_000 * MINUTE):
        yield heartbeat(f"ahead_by_{ahead}", 5, ahead)
    for late in (LATE, LATE + 1):
        yield heartbeat(f"late_by_{late}", 6, -late)
    yield heartbeat("spaces", 6, user_id="\t spaces \n", device=" tv")
    yield heartbeat("numbers", 6, user_id=42, device=1.5, program_id=True)
    yield heartbeat("braces", 6, user_id="{braces}", device="[tv]")
    yield heartbeat("blank", 6, user_id="  ")
    yield heartbeat("before_2000", 6, event_time="1999-12-31T23:59:59.999Z")
    yield heartbeat("started_before_2000", 6, start_time="1999-12-31T23:59:59.999Z")
    yield heartbeat("started_in_9999", 6, start_time="9999-01-01T00:00:00.000Z")
    yield heartbeat("seconds", 6, start_time=write_time(PLAN.start)[:-5] + "Z")
    for payload in (None, b"\xff\xfe", "{}", '{"user_id": {"a": 1}}', "[]"):
        yield Message("broken", PLAN.start + 6 * MINUTE, payload)


def differences():
    """What Flink accepts and dwell rejects, as docs/how-to/flink.md describes."""
    yield Message("list", PLAN.start + 7 * MINUTE, f"[{heartbeat('list', 7).payload}]")
    yield heartbeat("no_day", 7, start_time="2025-02-30T12:00:00.000Z")


def is_read_otherwise(message):
    """Whether a message of the simulation is one of these."""
    return message.payload.startswith("[{") or "2025-02-30" in message.payload


def sent():
    """All messages in the order of arrival."""
    simulated = [m for m in messages(PLAN) if not is_read_otherwise(m)]
    return sorted([*simulated, *cases(), *differences()], key=lambda message: message.received_at)


def send(broker, topic, sending):
    """Send messages, each session's to one partition."""
    broker.send(topic, [(crc32(m.key.encode()) % BUSY, m.payload, m.received_at) for m in sending])


def land(path, found):
    """Write messages as a landing file, as dwell ingest does."""
    rows = [
        {
            "topic": m.topic(),
            "partition": m.partition(),
            "offset": m.offset(),
            "received_at": datetime.fromtimestamp(m.timestamp()[1] / 1_000, UTC).replace(
                tzinfo=None
            ),
            "payload": m.value(),
        }
        for m in found
    ]
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path)


def dbt_streams(project):
    """Run dbt; return its streams."""
    project.run("run", "--select", "stg_watch__heartbeat_rows+")
    return sorted(project.rows(f"select {COLUMNS} from fct_watch_streams"))


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=None)


def flink_streams(found):
    """Return Flink's streams as dbt has them."""
    rows = []
    for message in found:
        fields = json.loads(message.value(), parse_float=Decimal)
        assert message.key().decode() == fields["session_id"]
        assert list(fields) == COLUMNS.split(", ")
        rows.append(
            tuple(
                moment(value)
                if name.endswith(("_at", "_time"))
                else float(value)
                if name == "stream_duration"
                else value
                for name, value in fields.items()
            )
        )
    return sorted(rows)


def heartbeat_of(value, received_at):
    """Return what identifies a heartbeat."""
    fields = json.loads(value)
    times = [moment(fields[name]) for name in ("start_time", "event_time")]
    return (
        *(fields[name] for name in IDENTITY.split(", ") if name != "start_time"),
        *times,
        received_at,
    )


def is_late(message):
    """Whether an accepted heartbeat is later than Flink waits."""
    if message.reject or message.key in ("broken", "blank", "list", *IMPOSSIBLE):
        return False
    event_time = moment(json.loads(message.payload)["event_time"])
    received_at = datetime.fromtimestamp(message.received_at / 1_000, UTC).replace(tzinfo=None)
    return received_at - event_time > timedelta(milliseconds=LATE)


@pytest.fixture(scope="module")
def ran(broker, tmp_path_factory):
    """Return what one run of the job read and wrote: it is killed, and resumes."""
    need("java", "flink")
    folder = tmp_path_factory.mktemp("flink")
    topics = [broker.topic(f"flink_{name}", ALL) for name in ("heartbeats", "streams", "late")]
    heartbeats, streams, late = topics
    job = Job(broker, folder, *topics)
    options = ["--parallelism", "2", "--set", "execution.checkpointing.interval=1 s"]
    rest = sent()
    half = len(rest) // 2
    send(broker, heartbeats, [rest.pop(0) for _ in range(half)])

    def while_messages_come(condition):
        # Without a pause, because time here is ten times as fast: if the partitions of one task
        # became idle, the others would be minutes ahead when its next heartbeats arrive.
        send(broker, heartbeats, [rest.pop(0) for _ in range(min(20, len(rest)))])
        return condition()

    try:
        job.start(*options, "--set", "table.exec.source.idle-timeout=10 s")
        # though one partition never has anything
        job.wait_for(
            lambda: while_messages_come(lambda: len(broker.read(streams)) >= 20),
            "the first streams",
        )
        reached = job.checkpoint()
        job.wait_for(
            lambda: while_messages_come(lambda: job.checkpoint() >= reached + 2),
            "two more checkpoints",
        )
        assert rest, "the kill comes too late"
        job.kill()
        before = len(broker.read(streams))
        send(broker, heartbeats, rest)
        # from here on no partition becomes idle, and a time mark advances the one that has nothing
        job.start("--resume", *options, "--set", "table.exec.source.idle-timeout=0 s")
        assert "resuming from /" in job.log.read_text()
        mark_time(broker, heartbeats, END)
        accepted = land_and_count(folder, broker.read(heartbeats))

        def received():
            return counted(broker.read(streams)), len(broker.read(late))

        job.wait_for(
            lambda: sum(received()) >= accepted,
            lambda: f"{accepted} heartbeats; in streams and late are {received()}",
        )
        # anything published twice would arrive now
        reached = job.checkpoint()
        job.wait_for(lambda: job.checkpoint() >= reached + 2, "two more checkpoints")
    finally:
        job.kill()
    found = {name: broker.read(name) for name in topics}
    yield folder, found[heartbeats], found[streams], found[late], before


def land_and_count(folder, found):
    """Let dbt read the entire topic; return how many heartbeats count, with Flink's two more."""
    land(folder / "all" / "all.parquet", found)
    everything = of_files(folder, "all")
    dbt_streams(everything)
    (accepted,) = everything.row("select sum(rows_accepted) from heartbeat_reconciliation")
    return int(accepted) + len(list(differences()))


def of_files(folder, name):
    (folder / f"{name}_dbt").mkdir(exist_ok=True)
    return Project(
        folder / f"{name}_dbt", heartbeats_path=f"{folder}/{name}/*.parquet", watch_as_of=END
    )


def counted(found):
    return sum(json.loads(message.value())["heartbeats"] for message in found)


def test_every_heartbeat_is_in_a_stream_or_late_and_none_twice(ran):
    folder, _, streams, late, before = ran
    accepted = of_files(folder, "all").row(
        "select sum(rows_accepted)::int from heartbeat_reconciliation"
    )[0]
    assert counted(streams) + len(late) == accepted + len(list(differences()))
    assert Counter(heartbeat_of(m.value(), m.timestamp()[1]) for m in late) == Counter(
        heartbeat_of(m.payload, m.received_at) for m in sent() if is_late(m)
    )
    # with fewer, it would prove too little
    assert len(late) >= 100
    assert before >= 20
    assert len(streams) - before >= 20


def test_the_streams_are_those_of_dbt_without_the_late_heartbeats(ran):
    folder, heartbeats, streams, late, _ = ran
    are_late = {(m.payload.encode(), m.received_at) for m in sent() if is_late(m)}
    in_time = [m for m in heartbeats if (m.value(), m.timestamp()[1]) not in are_late]
    assert len(heartbeats) - len(in_time) == len(late)
    land(folder / "in_time" / "in_time.parquet", in_time)
    in_dbt = of_files(folder, "in_time")
    found = flink_streams(streams)
    otherwise = [row for row in found if row[0] in ("list", "no_day")]
    assert [(row[0], row[-1]) for row in otherwise] == [("list", 1), ("no_day", 1)]
    assert [row for row in found if row not in otherwise] == dbt_streams(in_dbt)

    # with the late heartbeats, both have everything
    land(folder / "in_time" / "late.parquet", late)
    assert dbt_streams(in_dbt) == dbt_streams(of_files(folder, "all"))


def test_streams_without_late_heartbeats_are_those_of_dbt(ran):
    folder, _, streams, late, _ = ran
    are_late = {(beat["user_id"], beat["session_id"]) for beat in map(parsed, late)}
    expected = dbt_streams(of_files(folder, "all"))
    complete = [row for row in expected if (row[0], row[3]) not in are_late]
    assert len(complete) >= 60
    flinks = set(flink_streams(streams))
    assert [row for row in complete if row not in flinks] == []
    ends = [row[-1] for row in complete if str(row[0]).startswith("silent_for_")]
    assert ends == [2, 2, 1, 1]


def parsed(message):
    return json.loads(message.value())


def test_a_wrong_time_ends_no_stream_of_others(ran):
    _, _, streams, _, _ = ran
    rows = flink_streams(streams)
    assert {row[0] for row in rows if row[0].startswith("ahead_by_")} == {
        f"ahead_by_{30 * MINUTE}",
        f"ahead_by_{60 * MINUTE}",
    }
