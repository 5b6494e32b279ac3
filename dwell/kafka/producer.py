"""Produces simulated messages to a Kafka topic, at a pace."""

import time
from collections.abc import Callable, Iterable, Mapping

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from dwell.exceptions import KafkaClientError
from dwell.kafka import config as kafka_config
from dwell.runtime import log
from dwell.sample.heartbeats import Message


def create_topic(settings: Mapping[str, str], topic: str, partitions: int) -> None:
    """Create the topic if it does not exist.

    It keeps its messages: simulated messages have simulated times, which may be old.
    """
    admin = kafka_config.create_client(AdminClient, settings, logger=log.LOG)
    (created,) = admin.create_topics(
        [NewTopic(topic, partitions, config={"retention.ms": "-1"})]
    ).values()
    try:
        created.result()
    except KafkaException as raised:
        if raised.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise KafkaClientError(
                kafka_config.describe_error(raised.args[0], f"topic {topic}")
            ) from None


def produce(
    settings: Mapping[str, str],
    topic: str,
    messages: Iterable[Message],
    rate: float | None = None,
    speed: float | None = None,
) -> int:
    """Produce messages in their order, each with its time of receipt; return how many.

    `rate` is the maximum of messages per second; `speed`, how many simulated seconds pass in one.
    """
    failed: list[str] = []
    producer = kafka_config.create_client(
        Producer,
        {"compression.type": "lz4", "linger.ms": "5", "queue.buffering.max.messages": "1000000"}
        | dict(settings)
        | {"enable.idempotence": True},
        logger=log.LOG,
    )
    pace = Pace(rate, speed)
    sent = 0
    for message in messages:
        pace.wait(sent, message.received_at, producer.poll)
        while True:
            try:
                producer.produce(
                    topic,
                    message.payload,
                    key=message.key,
                    timestamp=message.received_at,
                    on_delivery=lambda error, _: failed.append(error.str()) if error else None,
                )
                break
            except BufferError:
                producer.poll(0.1)
            except KafkaException as raised:
                raise KafkaClientError(
                    kafka_config.describe_error(raised.args[0], f"topic {topic}")
                ) from None
        sent += 1
        if sent % 1000 == 0:
            producer.poll(0)
    left = producer.flush(60)
    if failed or left:
        raise KafkaClientError(
            f"{len(failed) + left:,} of {sent:,} messages did not reach {topic}"
            + (f": {failed[0]}" if failed else "")
        )
    return sent


class Pace:
    """When the next message is due."""

    def __init__(self, rate: float | None, speed: float | None) -> None:
        self.rate, self.speed = rate, speed
        self.began_at = time.monotonic()
        self.first_received_at: int | None = None

    def wait(self, sent: int, received_at: int, poll: Callable[[float], int]) -> None:
        """Wait until a message is due; serve the producer before a wait."""
        due = self.began_at
        if self.rate:
            due += sent / self.rate
        if self.speed:
            if self.first_received_at is None:
                self.first_received_at = received_at
            simulated = (received_at - self.first_received_at) / 1000
            due = max(due, self.began_at + simulated / self.speed)
        # many short waits would take longer in total than they should
        if (left := due - time.monotonic()) > 0.005:
            poll(0)
            time.sleep(left)
