"""Messages of a real broker land, once and unchanged."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import duckdb
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from support.kafka.broker import running_broker
from support.optional import need
from support.project import ROOT

from dwell.exceptions import KafkaClientError, LandingInUseError
from dwell.kafka import config as kafka_config
from dwell.kafka.consumer import PartitionConsumer, consume
from dwell.landing.folder import Landing

NOON = 1_742_299_200_000  # 2025-03-18 12:00 UTC, in ms


def consumer_of(broker, topic, folder, **how):
    settings = {"bootstrap.servers": broker.bootstrap}
    return PartitionConsumer(settings, topic, Landing(folder), **how)


def land(broker, topic, folder, **how):
    """Land everything in a topic; return the last report of the progress."""
    reports = []
    consumer = consumer_of(broker, topic, folder, **how)
    try:
        consume(consumer, 0.2, True, lambda: True, reports.append)
    finally:
        consumer.close()
    return reports[-1]


def landed(folder):
    """[(partition, offset, received_at in ms, payload)]."""
    query = """select "partition", "offset", epoch_ms(received_at), payload
    from read_parquet(?) order by all"""
    with duckdb.connect() as connection:
        return connection.execute(query, [f"{folder}/*.parquet"]).fetchall()


def command(broker, topic, folder, *options, **environment):
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "dwell", "ingest", "--topic", topic),
            *("--landing", str(folder), *options),
        ],
        cwd=ROOT,
        env=os.environ | {"DWELL_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap} | environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_what_lands_is_what_was_sent(broker, tmp_path):
    topic = broker.topic("sent", 3)
    sent = [
        (0, b'{"user_id": "u"}', NOON),
        (2, None, NOON + 1),
        (0, b"", NOON + 2),
        (1, b"\xff\x00 no text", NOON - 86_400_000),
        (0, b"x" * 900_000, NOON + 3),
    ]
    broker.send(topic, sent)
    progress = land(broker, topic, tmp_path)
    offsets = Counter()
    expected = []
    for partition, payload, received_at in sent:
        expected.append((partition, offsets[partition], received_at, payload))
        offsets[partition] += 1
    assert landed(tmp_path) == sorted(expected)
    assert (progress.message_count, progress.lag) == (5, 0)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_compressed_messages_land_as_they_were(broker, tmp_path, codec):
    topic = broker.topic(codec, 1)
    sent = [(0, json.dumps({"number": i, "text": "x" * 500}).encode(), NOON) for i in range(500)]
    broker.send(topic, sent, **{"compression.type": codec, "linger.ms": 50})
    land(broker, topic, tmp_path)
    assert [row[3] for row in landed(tmp_path)] == [payload for _, payload, _ in sent]


def test_a_message_larger_than_a_fetch_lands(broker, tmp_path):
    topic = broker.topic("large", 1, max_message_bytes=20_000_000)
    payload = os.urandom(9_000_000)
    broker.send(topic, [(0, payload, NOON), (0, b"{}", NOON)], **{"message.max.bytes": 20_000_000})
    land(broker, topic, tmp_path)
    assert [row[3] for row in landed(tmp_path)] == [payload, b"{}"]


def test_it_continues_where_the_files_end(broker, tmp_path):
    topic = broker.topic("continued", 2)
    for first in (0, 10, 20):
        broker.send(topic, [(i % 2, str(i).encode(), NOON) for i in range(first, first + 10)])
        assert land(broker, topic, tmp_path).message_count == 10
    assert land(broker, topic, tmp_path).message_count == 0
    assert Counter(row[:2] for row in landed(tmp_path)) == Counter(
        (partition, offset) for partition in range(2) for offset in range(15)
    )
    # a file that was removed by hand is read again, and no other
    next(iter(sorted(tmp_path.glob("*.parquet"), reverse=True))).unlink()
    assert land(broker, topic, tmp_path).message_count == 10


def test_partitions_that_are_added_are_noticed(broker, tmp_path, monkeypatch):
    monkeypatch.setattr("dwell.kafka.consumer.FIND_PARTITIONS_SECONDS", 0.5)
    topic = broker.topic("added", 1)
    broker.send(topic, [(0, b"a", NOON)])
    ends, consumer = threading.Event(), consumer_of(broker, topic, tmp_path)
    thread = threading.Thread(
        target=consume, args=(consumer, 0.2, False, lambda: not ends.is_set(), lambda _: None)
    )
    thread.start()
    try:
        broker.add_partitions(topic, 3)
        broker.send(topic, [(2, b"b", NOON)])
        wait_for(lambda: len(landed_or_none(tmp_path)) == 2)
    finally:
        ends.set()
        thread.join()
        consumer.close()
    assert [row[0] for row in landed(tmp_path)] == [0, 2]


def test_what_was_fetched_before_the_broker_died_lands(broker, tmp_path):
    topic = broker.topic("fetched", 1)
    broker.send(topic, [(0, str(i).encode(), NOON) for i in range(3000)])
    consumer, reports = consumer_of(broker, topic, tmp_path), []
    try:
        # the client fetches ahead of what it is asked for
        time.sleep(2)
        broker.kill()
        consumer.find_partitions()
        broker.start()
        consume(consumer, 0.2, True, lambda: True, reports.append)
    finally:
        consumer.close()
    assert [row[1] for row in landed(tmp_path)] == list(range(3000))


def test_it_waits_for_a_partition_without_a_leader(broker, tmp_path):
    topic = broker.topic("leaderless", 1)
    broker.send(topic, [(0, b"a", NOON)])
    consumer = consumer_of(broker, topic, tmp_path)
    calls, get = [], consumer.consumer.get_watermark_offsets

    class Leaderless:
        def __getattr__(self, name):
            return getattr(client, name)

        def get_watermark_offsets(self, *arguments, **more):
            calls.append(arguments)
            if len(calls) == 1:
                raise KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION))
            return get(*arguments, **more)

    client, consumer.consumer = consumer.consumer, Leaderless()
    try:
        assert consumer.get_offset_bounds(0) == (0, 1)
    finally:
        consumer.close()
    assert len(calls) == 2


def landed_or_none(folder):
    return landed(folder) if any(folder.glob("*.parquet")) else []


def wait_for(what, seconds=30):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_shares_land_every_partition_once(broker, tmp_path):
    topic = broker.topic("shares", 5)
    broker.send(topic, [(i % 5, str(i).encode(), NOON) for i in range(50)])
    for index in range(2):
        land(broker, topic, tmp_path, share=(index, 2))
    assert len(landed(tmp_path)) == len(set(landed(tmp_path))) == 50


def test_one_process_alone_lands_a_share_in_a_folder(broker, tmp_path):
    topic = broker.topic("alone", 2)
    consumer = consumer_of(broker, topic, tmp_path, share=(0, 2))
    with pytest.raises(LandingInUseError, match=f"share 1-of-2, by process {os.getpid()}"):
        consumer_of(broker, topic, tmp_path, share=(0, 2))
    with pytest.raises(LandingInUseError, match="in share 1-of-2"):
        consumer_of(broker, topic, tmp_path)
    consumer_of(broker, topic, tmp_path, share=(1, 2)).close()
    consumer.close()
    consumer_of(broker, topic, tmp_path).close()


def test_messages_of_an_aborted_transaction_do_not_land(broker, tmp_path):
    topic = broker.topic("transactions", 1)
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": "of a test"})
    producer.init_transactions(30)
    for number, ends in enumerate(
        (producer.commit_transaction, producer.abort_transaction, producer.commit_transaction)
    ):
        producer.begin_transaction()
        producer.produce(topic, str(number))
        producer.flush()
        ends(30)
    # the last offset is a transaction marker, which no consumer sees
    assert land(broker, topic, tmp_path).lag == 0
    assert [row[3] for row in landed(tmp_path)] == [b"0", b"2"]
    assert land(broker, topic, tmp_path).message_count == 0


def test_messages_that_kafka_removed_before_they_landed_are_reported(broker, tmp_path):
    topic = broker.topic("removed", 1)
    broker.send(topic, [(0, str(i).encode(), NOON) for i in range(10)])
    land(broker, topic, tmp_path)
    broker.send(topic, [(0, str(i).encode(), NOON) for i in range(10, 20)])
    for done in broker.admin.delete_records([TopicPartition(topic, 0, 15)]).values():
        done.result()
    with pytest.raises(KafkaClientError, match=r"offsets 10 to 14 of partition 0 .* --accept-loss"):
        land(broker, topic, tmp_path)
    assert land(broker, topic, tmp_path, accept_loss=True).message_count == 5
    assert [row[1] for row in landed(tmp_path)] == [*range(10), *range(15, 20)]


@pytest.mark.parametrize("messages", [0, 20])
def test_a_topic_that_was_created_again_is_refused(broker, tmp_path, messages):
    """Whether it has fewer messages than have landed, or more."""
    topic = broker.topic(f"again-{messages}", 1)
    broker.send(topic, [(0, b"x", NOON)] * 5)
    land(broker, topic, tmp_path)
    for done in broker.admin.delete_topics([topic]).values():
        done.result()
    time.sleep(1)
    broker.topic(topic, 1)
    broker.send(topic, [(0, b"y", NOON)] * messages)
    with pytest.raises(KafkaClientError, match="created again"):
        land(broker, topic, tmp_path)


def test_there_is_no_such_topic(broker, tmp_path):
    with pytest.raises(KafkaClientError, match="topic nowhere: there is no such topic"):
        consumer_of(broker, "nowhere", tmp_path)


def test_no_broker_answers(tmp_path, monkeypatch):
    monkeypatch.setattr("dwell.kafka.consumer.TIMEOUT_SECONDS", 1)
    with pytest.raises(KafkaClientError, match="no broker has answered for 1 s"):
        PartitionConsumer(
            {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}, "t", Landing(tmp_path)
        )


def test_it_ends_by_sigterm_with_all_landed(broker, tmp_path):
    topic = broker.topic("sigterm", 2)
    broker.send(topic, [(i % 2, str(i).encode(), NOON) for i in range(100)])
    # it would land its first file in an hour
    with command(broker, topic, tmp_path, "--every", "3600") as process:
        lines = [json.loads(process.stderr.readline())]
        time.sleep(2)
        process.send_signal(signal.SIGTERM)
        lines += [json.loads(line) for line in process.stderr]
    assert process.returncode == 0
    assert len(landed(tmp_path)) == 100
    assert lines[-1]["message"] == "ended; 100 messages landed"
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_secret_is_not_printed(broker, tmp_path):
    options = ("--kafka-config", str(tmp_path / "client.properties"))
    (tmp_path / "client.properties").write_text(
        "# SASL\nsasl.mechanism = PLAIN\nsecurity.protocol=SASL_PLAINTEXT\nsasl.username=me\n"
    )
    secret = "hunter2-hunter2"
    for wrong in ({}, {"DWELL_KAFKA_SSL_KEY_LOCATION": secret}):
        environment = {"DWELL_KAFKA_SASL_PASSWORD": secret, "DWELL_KAFKA_DEBUG": "conf"} | wrong
        with command(broker, "t", tmp_path / "l", *options, **environment) as process:
            time.sleep(2)
            process.terminate()
            log = process.stderr.read()
        assert "SASL" in log or "ssl.key" in log
        assert secret not in log


SECURED = """
listeners=PLAINTEXT://127.0.0.1:PORT,CONTROLLER://127.0.0.1:PORT+1,SECURED://127.0.0.1:PORT+2
advertised.listeners=PLAINTEXT://127.0.0.1:PORT,SECURED://127.0.0.1:PORT+2
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL
sasl.enabled.mechanisms=PLAIN
listener.name.secured.plain.sasl.jaas.config=\\
  org.apache.kafka.common.security.plain.PlainLoginModule required user_dwell="of-the-test";
ssl.keystore.location=FOLDER/store.p12
ssl.keystore.password=changeit
"""


def test_it_reads_by_tls_and_sasl(tmp_path):
    need("java")
    (tmp_path / "broker").mkdir()
    store = ("-keystore", "store.p12", "-storepass", "changeit")
    pair = ("-genkeypair", "-keyalg", "RSA", "-dname", "CN=localhost", "-ext", "san=ip:127.0.0.1")
    for words in (pair, ("-exportcert", "-rfc", "-file", "ca.pem")):
        subprocess.run(["keytool", *words, *store], cwd=tmp_path, check=True, capture_output=True)
    broker = running_broker(tmp_path / "broker", SECURED.replace("FOLDER", str(tmp_path)))
    try:
        topic = broker.topic("secured", 2)
        broker.send(topic, [(0, b"a", NOON), (1, b"b", NOON)])
        (tmp_path / "client.properties").write_text(
            "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=dwell\n"
            f"ssl.ca.location={tmp_path}/ca.pem\n"
        )
        options = ("--until-end", "--kafka-config", str(tmp_path / "client.properties"))
        servers = {"DWELL_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{broker.port + 2}"}
        for password, code in (("of-the-test", 0), ("of-another", 1)):
            secret = {"DWELL_KAFKA_SASL_PASSWORD": password}
            with command(broker, topic, tmp_path / "l", *options, **servers, **secret) as process:
                log = process.stderr.read()
            assert process.returncode == code, log
            assert password not in log
        assert "the broker rejects the credentials" in log
        assert [row[3] for row in landed(tmp_path / "l")] == [b"a", b"b"]
    finally:
        broker.kill()


def test_settings_come_from_file_environment_and_options(tmp_path, monkeypatch):
    path = tmp_path / "client.properties"
    path.write_text("# one\n\nbootstrap.servers = a:1\nssl.ca.location=/ca = b\nsasl.username=x\n")
    monkeypatch.setenv("DWELL_KAFKA_SASL_USERNAME", "y")
    assert kafka_config.client_settings(None, str(path)) == {
        "bootstrap.servers": "a:1",
        "ssl.ca.location": "/ca = b",
        "sasl.username": "y",
    }
    settings = kafka_config.client_settings("b:2", str(path))
    assert settings["bootstrap.servers"] == "b:2"
    monkeypatch.setenv("DWELL_KAFKA_ENABLE_AUTO_COMMIT", "true")
    with pytest.raises(KafkaClientError, match=r"enable\.auto\.commit cannot be set"):
        kafka_config.client_settings("b:2", str(path))
    path.write_text("bootstrap.servers\n")
    with pytest.raises(KafkaClientError, match=r"line 1: must be name=value"):
        kafka_config.client_settings("b:2", str(path))


def test_a_setting_that_does_not_exist_is_named():
    with pytest.raises(KafkaClientError, match=r'No such configuration property: "no\.such"'):
        kafka_config.create_client(Producer, {"bootstrap.servers": "a:1", "no.such": "thing"})


def test_a_simulation_is_sent_as_it_would_be_written(broker, tmp_path):
    topic, truth = "simulated", tmp_path / "truth.csv"
    options = ("--viewers", "5", "--minutes", "10")
    simulate = (sys.executable, "-m", "dwell", "simulate", *options)
    environment = os.environ | {"DWELL_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap}
    began_at = time.monotonic()
    pace = ("--speed", "300", "--rate", "100000", "--partitions", "3")
    subprocess.run(
        [*simulate, "--topic", topic, *pace, "--truth", str(truth)],
        cwd=ROOT,
        env=environment,
        check=True,
    )
    # ten minutes, and late heartbeats, at 300 to 1
    assert time.monotonic() - began_at >= 2
    written = subprocess.run(simulate, cwd=ROOT, check=True, capture_output=True).stdout
    land(broker, topic, tmp_path)
    rows = landed(tmp_path)
    assert sorted(row[3] for row in rows) == sorted(written.split(b"\n")[:-1])
    assert len({row[0] for row in rows}) == 3
    assert truth.read_text().startswith("user_id,program_id,")
    # the time of receipt is the simulation's
    assert {row[2] // 86_400_000 for row in rows} == {NOON // 86_400_000 - 6}
