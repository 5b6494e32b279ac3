"""Sends simulated messages to a Kafka topic, at a pace."""

import time
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from dwell.exceptions import KafkaClientError
from dwell.kafka import config as kafka_config
from dwell.runtime import log


def make_topic(settings: dict, topic: str, partitions: int) -> None:
    """Make the topic if it is not there.

    It keeps what it is sent: simulated messages have simulated times, which may be old.
    """
    admin = kafka_config.make(AdminClient, settings, logger=log.LOG)
    (made,) = admin.create_topics(
        [NewTopic(topic, partitions, config={"retention.ms": "-1"})]
    ).values()
    try:
        made.result()
    except KafkaException as raised:
        if raised.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise KafkaClientError(
                kafka_config.in_words(raised.args[0], f"topic {topic}")
            ) from None


def send(
    settings: dict,
    topic: str,
    messages: Iterable,
    rate: float | None = None,
    speed: float | None = None,
) -> int:
    """Send messages in their order, each with its time of receipt; return how many.

    rate is the most messages a second; speed, how many simulated seconds pass in a second.
    """
    failed: list[str] = []
    producer = kafka_config.make(
        Producer,
        {"compression.type": "lz4", "linger.ms": "5", "queue.buffering.max.messages": "1000000"}
        | settings
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
                    kafka_config.in_words(raised.args[0], f"topic {topic}")
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

    def __init__(self, rate: float | None, speed: float | None):
        self.rate, self.speed = rate, speed
        self.began_at = time.monotonic()
        self.first_received_at: int | None = None

    def wait(self, sent: int, received_at: int, meanwhile) -> None:
        """Wait until a message is due; do something useful in the meantime."""
        due = self.began_at
        if self.rate:
            due += sent / self.rate
        if self.speed:
            if self.first_received_at is None:
                self.first_received_at = received_at
            simulated = (received_at - self.first_received_at) / 1000
            due = max(due, self.began_at + simulated / self.speed)
        # waiting a little at a time for a lot of messages would take longer than it should
        if (left := due - time.monotonic()) > 0.005:
            meanwhile(0)
            time.sleep(left)
