"""A Kafka topic that ended streams are published to."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from dwell.exceptions import KafkaClientError, LedgerError
from dwell.kafka import config as kafka_config
from dwell.publishing.publisher import Sink
from dwell.publishing.records import Messages
from dwell.runtime import log, shutdown

TRANSACTION_SECONDS = 60


class Topic(Sink[Messages]):
    """A Kafka topic. A batch is one transaction, which also stores the batch's number.

    An idempotent producer alone forgets at a restart what it has sent. So the transaction also
    sends the number of the batch to a compacted topic, `<topic>-positions`, with the publisher's
    name as key. After a kill, the last number shows whether the batch is in the topic.

    (The offset of a consumer group would serve as well, but its call, send_offsets_to_transaction,
    may never return after a broker was restarted: librdkafka's issues 5456 and 5511, which dwell's
    tests have reproduced.)
    """

    remedy = "Give the ledger that matches, or another --publish-name to start from scratch"

    def __init__(self, settings: Mapping[str, object], topic: str, publisher: str) -> None:
        self.topic, self.positions, self.publisher = topic, f"{topic}-positions", publisher
        self.name = f"topic {topic}, as {publisher}"
        self.settings = dict(settings)
        self.producer: Any = kafka_config.create_client(
            Producer,
            {"compression.type": "lz4", "linger.ms": "20", "client.id": "dwell-watch"}
            | self.settings
            | {
                "transactional.id": publisher,
                "transaction.timeout.ms": TRANSACTION_SECONDS * 1000,
                "queue.buffering.max.messages": 1_000_000,
            },
            logger=log.LOG,
        )

    def open(self) -> None:
        """Fence other producers of this name, and end the transactions that they began."""
        try:
            metadata = self.producer.list_topics(self.topic, timeout=30).topics[self.topic]
            if metadata.error is not None:
                raise KafkaException(metadata.error)
            self.create_positions()
            retry(self.producer.init_transactions, TRANSACTION_SECONDS)
        except KafkaException as error:
            raise KafkaClientError(
                kafka_config.describe_error(error.args[0], f"topic {self.topic}, to publish to")
            ) from None

    def create_positions(self) -> None:
        """Create the topic of positions if it does not exist."""
        topic = NewTopic(self.positions, 1, config={"cleanup.policy": "compact"})
        admin: Any = kafka_config.create_client(AdminClient, self.settings, logger=log.LOG)
        (created,) = admin.create_topics([topic]).values()
        try:
            created.result()
        except KafkaException as exception:
            error = exception.args[0]
            if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return
            if not kafka_config.is_fatal(error):
                raise
            description = kafka_config.describe_error(
                error, f"topic {self.positions} cannot be created"
            )
            raise KafkaClientError(
                f"{description}. Create it as a user who may: one partition, cleanup.policy=compact"
            ) from None

    def last_batch(self) -> int | None:
        """Return the last batch that is in the topic, by its position; None without a position."""
        settings = self.settings | {
            "group.id": self.publisher,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            # the batch of an aborted transaction is not published
            "isolation.level": "read_committed",
        }
        consumer: Any = kafka_config.create_client(Consumer, settings, logger=log.LOG)
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

    def refuse_lost_position(self, published: int, pending: int) -> None:
        """Raise: without a position, the topic may or may not have the pending batch."""
        raise LedgerError(
            f"{self.name}: {self.positions} has no position, so batch {pending} may or may not be "
            f"in the topic. Was {self.positions} deleted? Look for the batch's records in "
            f"{self.topic}; then send {pending} to {self.positions} if they are there, or "
            f"{published} if not, with the key {self.publisher}"
        )

    def publish(self, batch: int, messages: Messages) -> None:
        """Send a batch and its number in one transaction; repeat it while Kafka aborts it."""
        while not self.try_publish(batch, messages):
            shutdown.raise_if_requested()
            time.sleep(1)

    def try_publish(self, batch: int, messages: Messages) -> bool:
        """Send a batch; return whether it was committed. If not, nothing of it is in the topic."""
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
        except KafkaException as exception:
            error = exception.args[0]
            if error.fatal() or not error.txn_requires_abort():
                raise KafkaClientError(
                    kafka_config.describe_error(error, f"batch {batch} to {self.topic}")
                ) from None
            log.warning(
                kafka_config.describe_error(error, f"batch {batch} to {self.topic}, trying again")
            )
            retry(self.producer.abort_transaction, TRANSACTION_SECONDS)
            return False

    def commit(self) -> None:
        """Commit the batch and its number."""
        retry(self.producer.commit_transaction, TRANSACTION_SECONDS)


def retry(call: Callable[..., object], *arguments: object) -> None:
    """Call the broker, and repeat the call after an error that another call may not meet."""
    while True:
        try:
            call(*arguments)
            return
        except KafkaException as exception:
            error = exception.args[0]
            if not error.retriable() or error.txn_requires_abort():
                raise
            shutdown.raise_if_requested()
            log.warning(kafka_config.describe_error(error, "Kafka did not answer, trying again"))
            time.sleep(1)
