"""`dwell ends`: where each partition of a topic ends now, as JSON: what has arrived so far.

An orchestrator notes it before it lands a topic, and hands it to `dwell reconcile` after it has.
"""

import argparse
import json
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from dwell.exceptions import KafkaClientError, KafkaConfigError
from dwell.kafka import config as kafka_config
from dwell.runtime import log
from dwell.runtime.terminal import print_error

SECONDS = 30


class Topic:
    """A topic's offsets, looked at from outside: no place is kept, nothing is consumed."""

    def __init__(self, settings: dict, name: str):
        self.name = name
        self.consumer = kafka_config.make(
            Consumer,
            {"client.id": "dwell-ends"}
            | settings
            | {
                "group.id": "dwell-ends",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            },
            logger=log.LOG,
        )

    def bounds(self) -> dict[int, tuple[int, int]]:
        """Return {partition: (the first offset that Kafka has, the one after its last)}."""
        return {
            partition: self.ask(
                self.consumer.get_watermark_offsets, TopicPartition(self.name, partition)
            )
            for partition in self.partitions()
        }

    def partitions(self) -> list[int]:
        """Return the numbers of the topic's partitions."""
        about = self.ask(self.consumer.list_topics, self.name).topics[self.name]
        if about.error is not None:
            raise KafkaClientError(kafka_config.in_words(about.error, f"topic {self.name}"))
        return sorted(about.partitions)

    def first_message(self, partition: int, first: int, end: int) -> int | None:
        """Return the first offset from `first` to before `end` that has a message; None if none.

        Offsets of transaction marks, and those that compaction has emptied, have none.
        """
        self.consumer.assign([TopicPartition(self.name, partition, first)])
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            message = self.consumer.poll(1)
            if message is None:
                continue
            error = message.error()
            if error is None:
                return message.offset() if message.offset() < end else None
            if error.code() == KafkaError._PARTITION_EOF:
                return None
            if kafka_config.is_hopeless(error):
                raise KafkaClientError(kafka_config.in_words(error, f"topic {self.name}"))
        raise KafkaClientError(
            f"partition {partition} of {self.name} has not answered in {SECONDS} s"
        )

    def ask(self, question, *about):
        """Return what the broker answers, or say that it does not."""
        try:
            return question(*about, timeout=SECONDS)
        except KafkaException as error:
            raise KafkaClientError(
                kafka_config.in_words(error.args[0], f"topic {self.name}")
            ) from None

    def close(self) -> None:
        """Let go of the broker."""
        self.consumer.close()


# -- The command -----------------------------------------------------------------------------


def main(arguments: argparse.Namespace) -> int:
    """Print {"partition": the offset after its last}. 0: done; 1: could not; 2: wrong usage."""
    log.set_up()
    try:
        topic = Topic(kafka_config.settings_of(arguments), arguments.topic)
        try:
            bounds = topic.bounds()
        finally:
            topic.close()
    except KafkaClientError as error:
        print_error(error)
        return 2 if isinstance(error, KafkaConfigError) else 1
    print(json.dumps({partition: end for partition, (_, end) in bounds.items()}))
    return 0
