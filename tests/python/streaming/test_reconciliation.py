"""Each offset is accounted for; what is missing, doubled, or behind is reported."""

import json
import os
import shutil
import subprocess
import sys

import duckdb
import pytest
from confluent_kafka import Producer
from support.kafka.landing import payload
from support.optional import need
from support.project import ROOT, Project
from support.warehouses.emulators import running_postgres

from dwell.kafka.consumer import PartitionConsumer, consume
from dwell.landing.folder import Landing
from dwell.streaming.offset_ranges import OffsetRange, find_gaps

NOON = 1_735_732_800_000  # 2025-01-01 12:00 UTC, in ms


def dwell(broker, folder, *words, **environment):
    """Run a command; return its exit code and its output."""
    done = subprocess.run(
        [sys.executable, "-m", "dwell", *words],
        cwd=ROOT,
        env=os.environ
        | {
            "DWELL_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap,
            "DWELL_DATABASE": str(folder / "dwell.duckdb"),
        }
        | environment,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def reconcile(broker, folder, topic, *words, **environment):
    options = (f"--topic={topic}", f"--landing={folder / 'landing'}", *words)
    return dwell(broker, folder, "reconcile", *options, **environment)


def heartbeats(*seconds):
    return [
        (second % 2, payload(event_time=f"2025-01-01T10:00:{second:02}Z").encode(), NOON)
        for second in seconds
    ]


def land(broker, topic, folder):
    settings = {"bootstrap.servers": broker.bootstrap}
    consumer = PartitionConsumer(settings, topic, Landing(folder / "landing"))
    try:
        consume(consumer, 0.2, True, lambda: True, lambda _: None)
    finally:
        consumer.close()


def load(folder):
    project = Project(folder, heartbeats_path=f"{folder}/landing/*.parquet")
    project.run("run", "--select", "stg_watch__heartbeat_rows+")
    return project


def change(folder, statement):
    with duckdb.connect(str(folder / "dwell.duckdb")) as connection:
        connection.execute(statement)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    need("warehouses")
    with running_postgres(tmp_path_factory.mktemp("warehouse")) as environment:
        yield environment


@pytest.fixture(scope="module")
def once(broker, tmp_path_factory):
    """A topic of 20 heartbeats and a broken message, all of which is loaded."""
    folder = tmp_path_factory.mktemp("reconcile")
    topic = broker.topic("reconcile")
    broker.send(topic, [*heartbeats(*range(20)), (1, b"{", NOON)])
    land(broker, topic, folder)
    load(folder)
    return topic, folder


@pytest.fixture
def loaded(once, tmp_path):
    """The same, to be changed."""
    topic, folder = once
    shutil.copytree(folder / "landing", tmp_path / "landing")
    shutil.copy(folder / "dwell.duckdb", tmp_path)
    return topic, tmp_path


@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        ("delete from int_watch__streams", "20 heartbeats were accepted, but the streams have 0"),
        (
            "update int_watch__streams set heartbeats = heartbeats + 1",
            "20 heartbeats were accepted, but the streams have 21",
        ),
        (
            "create or replace view ongoing_watch_streams as from fct_watch_streams",
            "there are 0 ended + 0 ongoing, of 0 heartbeats",
        ),
        ("delete from dwell_heartbeats_rejected", "but rejected_heartbeats has 0"),
        (
            "update dwell_heartbeats_landed set rows_accepted = 9 where topic_partition = 0",
            "21 rows were read, but there are 19 accepted + 1 rejected",
        ),
        (
            "update dwell_heartbeats_landed set last_offset = 7 where topic_partition = 0",
            "10 messages count, of 8 offsets: some count twice",
        ),
        (
            "update dwell_heartbeats_landed set first_offset = 3 where topic_partition = 0",
            "offsets 0 to 2 are not loaded, and Kafka has a message at 0",
        ),
        (
            "update dwell_heartbeats_landed set rows_landed = 9 where topic_partition = 0",
            "9 messages count, of 10 offsets. If the topic is compacted",
        ),
        (
            "update dwell_heartbeats_landed set last_offset = 99 where topic_partition = 0",
            "ends at offset 10 in Kafka, but offsets to 99 are loaded: was the topic deleted",
        ),
    ],
)
def test_a_difference_is_reported(broker, loaded, statement, difference):
    topic, folder = loaded
    change(folder, statement)
    code, output = reconcile(broker, folder, topic)
    assert code == 1
    assert difference in output
    assert output.strip().splitlines()[-1].startswith('{"time"')


def test_a_table_that_lags_behind_or_has_too_much_is_a_difference(broker, loaded, postgres):
    topic, folder = loaded
    change(folder, "insert into dwell_watch_as_of values (timestamp '2025-01-02')")
    table = ("--warehouse=postgres", "--table=reconciled")
    code, output = reconcile(broker, folder, topic, *table, **postgres)
    assert code == 1 and "does not exist" in output
    code, output = dwell(broker, folder, "load", "postgres", "--table=reconciled", **postgres)
    assert code == 0, output
    code, output = reconcile(broker, folder, topic, *table, **postgres)
    assert code == 0 and "1 stream on 1 day in postgres table reconciled" in output, output
    # equal days are not read again without --full
    code, output = reconcile(broker, folder, topic, *table, **postgres)
    assert (
        code == 0 and "0 streams on 0 days in postgres table reconciled; 1 unchanged day" in output
    )
    code, output = reconcile(broker, folder, topic, *table, "--full", **postgres)
    assert code == 0 and "1 stream on 1 day in postgres table reconciled" in output, output
    later = "last_heartbeat_at + interval '1 millisecond'"
    change(folder, f"update int_watch__streams set last_heartbeat_at = {later}")
    code, output = reconcile(broker, folder, topic, *table, **postgres)
    assert code == 1
    assert (
        "postgres table reconciled differs from fct_watch_streams on 1 day, as on 2025-01-01: "
        "1 stream, 20 heartbeats, 19.000000 s instead of 1 stream, 20 heartbeats, 19.001000 s"
    ) in output


# Tests that add to the topic come last.


def test_newer_messages_are_counted_and_are_no_difference(broker, loaded):
    topic, folder = loaded
    code, before = dwell(broker, folder, "end-offsets", f"--topic={topic}")
    assert (code, json.loads(before)) == (0, {"0": 10, "1": 11})
    code, output = reconcile(broker, folder, topic)
    assert code == 0, output
    assert "21 = 20 accepted + 1 rejected + 0 redelivered" in output
    # landed by another process during the run
    broker.send(topic, heartbeats(20, 21, 22))
    land(broker, topic, folder)
    code, output = reconcile(broker, folder, topic, f"--end-offsets={before}")
    assert code == 0, output
    assert "21 offsets in 2 partitions, and 3 newer ones" in output
    code, output = reconcile(broker, folder, topic)
    assert code == 1
    assert (
        "partition 0 of " in output and "offsets 10 to 11 have landed and are not loaded" in output
    )


def test_a_partition_that_lags_behind_is_a_difference(broker, loaded):
    topic, folder = loaded
    broker.add_partitions(topic, 3)
    broker.send(topic, [(2, payload().encode(), NOON)])
    _, ends = dwell(broker, folder, "end-offsets", f"--topic={topic}")
    code, output = reconcile(broker, folder, topic, f"--end-offsets={ends}")
    assert code == 1
    assert "partition 2 of " in output
    assert "offsets 0 to 0 are not loaded, and Kafka has a message at 0" in output


def test_offsets_of_transactions_have_no_message(broker, tmp_path):
    topic = broker.topic("reconcile_transactions", 1)
    producer = Producer(broker.client | {"transactional.id": "reconcile"})
    producer.init_transactions(30)
    for second in range(3):
        producer.begin_transaction()
        for _ in range(2):
            producer.produce(topic, heartbeats(second)[0][1], partition=0, timestamp=NOON)
        producer.commit_transaction(30)
    land(broker, topic, tmp_path)
    load(tmp_path)
    code, output = reconcile(broker, tmp_path, topic)
    # two markers are among the messages; the third, after the last of them, is not missed
    assert code == 1 and "6 messages count, of 8 offsets" in output
    code, output = reconcile(broker, tmp_path, topic, "--sparse")
    assert code == 0, output


def test_exit_codes_of_wrong_usage_and_errors_differ(broker, tmp_path):
    code, output = reconcile(broker, tmp_path, "reconcile_none")
    assert code == 2 and "run the models first" in output
    change(tmp_path, "create table t (i integer)")
    code, output = reconcile(broker, tmp_path, "reconcile_none", "--end-offsets=12")
    assert code == 2 and "must be as `dwell end-offsets` prints it" in output
    code, output = dwell(broker, tmp_path, "end-offsets", "--topic=reconcile_none")
    assert code == 1 and "there is no such topic" in output


def test_find_gaps():
    offsets = OffsetRange(5, 20)
    assert find_gaps(offsets, []) == [offsets]
    assert find_gaps(offsets, [OffsetRange(0, 30)]) == []
    assert find_gaps(offsets, [OffsetRange(12, 15), OffsetRange(0, 7), OffsetRange(14, 16)]) == [
        OffsetRange(7, 12),
        OffsetRange(16, 20),
    ]
    assert find_gaps(offsets, [OffsetRange(25, 30)]) == [offsets]
    assert find_gaps(OffsetRange(5, 5), []) == []
