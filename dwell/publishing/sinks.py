"""Where ended streams are told: a Kafka topic, a folder, or nowhere but in the ledger.

A sink takes a batch as a whole, or not at all, and knows which one it took last.
"""

import time
from pathlib import Path

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

from dwell.exceptions import KafkaClientError
from dwell.kafka import config as kafka_config
from dwell.runtime import log, shutdown
from dwell.runtime.atomic_file import replace_file

TRANSACTION_SECONDS = 60


class Nowhere:
    """The ledger alone."""

    name = "the ledger alone"
    forgets = False

    def open(self) -> None:
        """Do nothing."""

    def last_batch(self) -> int | None:
        """Return None: there is nothing to look at."""

    def publish(self, batch: int, messages: list[tuple[str, str]]) -> None:
        """Do nothing: that it is written down is all."""


class Folder:
    """A folder of JSON-lines files, one a batch, named for it: told again, it is the same file."""

    remedy = "Give the ledger that does, or another folder to begin anew"
    # who reads the files may take them away
    forgets = False

    def __init__(self, folder: Path):
        self.folder = folder
        self.name = f"folder {folder.resolve()}"

    def open(self) -> None:
        """Make the folder, and remove what a kill has left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob(".streams-*.tmp"):
            path.unlink()

    def path(self, batch: int) -> Path:
        """Return the file of a batch."""
        return self.folder / f"streams-{batch:012}.jsonl"

    def last_batch(self) -> int | None:
        """Return the last batch that is there."""
        names = (path.stem for path in self.folder.glob("streams-*.jsonl"))
        return max((int(name.removeprefix("streams-")) for name in names), default=None)

    def publish(self, batch: int, messages: list[tuple[str, str]]) -> None:
        """Write the file of a batch."""
        path = self.path(batch)
        hidden = path.with_name(f".{path.stem}.tmp")
        with hidden.open("w", encoding="utf-8") as file:
            file.writelines(f"{value}\n" for _, value in messages)
        replace_file(hidden, path)


class Topic:
    """A Kafka topic. A batch is a transaction, and so is the note that it was told.

    An idempotent producer alone forgets at a restart what it has sent. So the number of the batch
    is a message of the batch's own transaction, in a topic beside it that keeps the last of each
    name (`cleanup.policy=compact`): after a kill, it says whether the batch is in the topic.

    (The offset of a consumer group would serve as well, but its call, send_offsets_to_transaction,
    may never return after a broker was restarted: librdkafka's issues 5456 and 5511, met here.)
    """

    remedy = "Give the ledger that does, or another --publish-name to begin anew"
    # unless someone deletes its positions
    forgets = True

    def __init__(self, settings: dict, topic: str, publisher: str):
        self.topic, self.positions, self.publisher = topic, f"{topic}-positions", publisher
        self.name = f"topic {topic}, as {publisher}"
        self.settings = settings
        self.producer = kafka_config.create_client(
            Producer,
            {"compression.type": "lz4", "linger.ms": "20", "client.id": "dwell-watch"}
            | settings
            | {
                "transactional.id": publisher,
                "transaction.timeout.ms": TRANSACTION_SECONDS * 1000,
                "queue.buffering.max.messages": 1_000_000,
            },
            logger=log.LOG,
        )

    def open(self) -> None:
        """Keep others of this name from publishing, and have done with what they began."""
        try:
            about = self.producer.list_topics(self.topic, timeout=30).topics[self.topic]
            if about.error is not None:
                raise KafkaException(about.error)
            self.make_positions()
            insist(self.producer.init_transactions, TRANSACTION_SECONDS)
        except KafkaException as raised:
            said = kafka_config.describe_error(raised.args[0], f"topic {self.topic}, to publish to")
            raise KafkaClientError(said) from None

    def make_positions(self) -> None:
        """Make the topic of positions if it is not there."""
        topic = NewTopic(self.positions, 1, config={"cleanup.policy": "compact"})
        admin = kafka_config.create_client(AdminClient, self.settings, logger=log.LOG)
        (made,) = admin.create_topics([topic]).values()
        try:
            made.result()
        except KafkaException as raised:
            error = raised.args[0]
            if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return
            if not kafka_config.is_fatal(error):
                raise
            said = kafka_config.describe_error(error, f"topic {self.positions} cannot be made")
            raise KafkaClientError(
                f"{said}. Have someone make it who may: one partition, cleanup.policy=compact"
            ) from None

    def last_batch(self) -> int | None:
        """Return the last batch that is in the topic, by its own note; None without a note."""
        settings = self.settings | {
            "group.id": self.publisher,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            # what a transaction took back was not told
            "isolation.level": "read_committed",
        }
        consumer = kafka_config.create_client(Consumer, settings, logger=log.LOG)
        consumer.assign([TopicPartition(self.positions, 0, OFFSET_BEGINNING)])
        last, deadline = None, time.monotonic() + TRANSACTION_SECONDS
        try:
            while time.monotonic() < deadline:
                for message in consumer.consume(1000, 1):
                    error = message.error()
                    if error is None:
                        if message.key() == self.publisher.encode():
                            last = int(message.value())
                    elif error.code() == KafkaError._PARTITION_EOF:
                        return last
                    elif kafka_config.is_fatal(error):
                        raise KafkaClientError(
                            kafka_config.describe_error(error, f"topic {self.positions}")
                        )
            raise KafkaClientError(
                f"topic {self.positions} could not be read within {TRANSACTION_SECONDS} s"
            )
        finally:
            consumer.close()

    def publish(self, batch: int, messages: list[tuple[str, str]]) -> None:
        """Send a batch and its number in one transaction."""
        while not self.tried(batch, messages):
            shutdown.raise_if_requested()
            time.sleep(1)

    def tried(self, batch: int, messages: list[tuple[str, str]]) -> bool:
        """Send it; return whether it is there, and not there at all if not."""
        try:
            self.producer.begin_transaction()
            for key, value in messages:
                while True:
                    try:
                        self.producer.produce(self.topic, value, key=key)
                        break
                    except BufferError:
                        self.producer.poll(0.1)
            self.producer.produce(self.positions, str(batch), key=self.publisher, partition=0)
            self.commit()
            return True
        except KafkaException as raised:
            error = raised.args[0]
            if error.fatal() or not error.txn_requires_abort():
                raise KafkaClientError(
                    kafka_config.describe_error(error, f"batch {batch} to {self.topic}")
                ) from None
            log.warning(
                kafka_config.describe_error(error, f"batch {batch} to {self.topic}, trying again")
            )
            insist(self.producer.abort_transaction, TRANSACTION_SECONDS)
            return False

    def commit(self) -> None:
        """Commit the batch and its number."""
        insist(self.producer.commit_transaction, TRANSACTION_SECONDS)


def insist(call, *arguments):
    """Ask the broker for something, again and again where it may answer otherwise."""
    while True:
        try:
            return call(*arguments)
        except KafkaException as raised:
            error = raised.args[0]
            if not error.retriable() or error.txn_requires_abort():
                raise
            shutdown.raise_if_requested()
            log.warning(kafka_config.describe_error(error, "Kafka has not answered, asked again"))
            time.sleep(1)
