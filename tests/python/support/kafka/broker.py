"""A real Kafka broker on this machine, for the tests that need one."""

import fcntl
import os
import subprocess
import time
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic
from support.kafka.ports import free_ports
from support.optional import need
from support.project import ROOT

SCRIPT = ROOT / "kafka" / "broker.sh"
LIBS = ROOT / ".kafka" / "libs"


class Broker:
    """One broker in a folder of its own, which may be killed and started again."""

    def __init__(self, folder: Path, settings: str = ""):
        self.folder = folder
        # settings of a test's own, in which PORT is its port
        self.settings = settings
        self.port = free_ports()
        self.bootstrap = f"127.0.0.1:{self.port}"
        # the client does not log that a broker was killed on purpose
        self.client = {"bootstrap.servers": self.bootstrap, "log_level": 0}
        self.admin = None

    def script(self, command):
        environment = os.environ | {
            "KAFKA_HOME": str(self.folder),
            "KAFKA_LIBS": str(LIBS),
            "KAFKA_PORT": str(self.port),
            "KAFKA_SETTINGS": str(self.folder / "settings"),
        }
        (self.folder / "settings").write_text(
            self.settings.replace("PORT+1", str(self.port + 1))
            .replace("PORT+2", str(self.port + 2))
            .replace("PORT", str(self.port))
        )
        subprocess.run([str(SCRIPT), command], check=True, env=environment)

    def start(self):
        """Start it, and wait until it answers."""
        self.script("start")
        self.admin = AdminClient(self.client)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.admin.list_topics(timeout=1)
                return
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def kill(self):
        """End it as a crash does."""
        self.script("kill")

    def topic(self, name, partitions=2, **settings):
        """Create a topic and return its name."""
        config = {key.replace("_", "."): str(value) for key, value in settings.items()}
        (made,) = self.admin.create_topics([NewTopic(name, partitions, 1, config=config)]).values()
        made.result()
        return name

    def add_partitions(self, name, partitions):
        """Give a topic more partitions."""
        (made,) = self.admin.create_partitions([NewPartitions(name, partitions)]).values()
        made.result()
        while len(self.admin.list_topics(name, timeout=10).topics[name].partitions) < partitions:
            time.sleep(0.1)

    def send(self, topic, messages, **settings):
        """Send [(partition, payload, received_at in ms or None)], in order, and wait for all."""
        producer = Producer(self.client | {"acks": "all"} | settings)
        for partition, payload, received_at in messages:
            more = {} if received_at is None else {"timestamp": received_at}
            producer.produce(topic, payload, partition=partition, on_delivery=must_arrive, **more)
            producer.poll(0)
        # a broker that is killed meanwhile needs time to come back
        assert producer.flush(300) == 0

    def read(self, topic):
        """Return every committed message of a topic, partition by partition."""
        consumer = Consumer(
            self.client
            | {"group.id": "test", "enable.auto.commit": False, "enable.partition.eof": True}
        )
        partitions = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
        found, ended = [], set()
        while len(ended) < len(partitions):
            for message in consumer.consume(1000, 1):
                if message.error() is None:
                    found.append(message)
                else:
                    ended.add(message.partition())
        consumer.close()
        return sorted(found, key=lambda m: (m.partition(), m.offset()))


def must_arrive(error, _):
    assert error is None, error


def running_broker(folder, settings=""):
    """Return a broker that runs; its jars are fetched once for this checkout."""
    need("java")
    LIBS.parent.mkdir(exist_ok=True)
    # tests run two at a time
    with (LIBS.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not LIBS.exists():
            subprocess.run([str(SCRIPT), "jars"], check=True)
    broker = Broker(folder, settings)
    broker.start()
    return broker
