"""A topic's offsets as Kafka has them: no offset is committed, and nothing is consumed."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from dwell.exceptions import KafkaClientError
from dwell.kafka import config as kafka_config
from dwell.runtime import log

TIMEOUT_SECONDS = 30


class TopicOffsets:
    """Partitions, offsets, and single messages of a topic."""

    def __init__(self, settings: Mapping[str, str], topic: str) -> None:
        self.topic = topic
        self.consumer = kafka_config.create_client(
            Consumer,
            {"client.id": "dwell-end-offsets"}
            | dict(settings)
            | {
                "group.id": "dwell-end-offsets",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            },
            logger=log.LOG,
        )

    def get_bounds(self) -> dict[int, tuple[int, int]]:
        """Return {partition: (the first offset that Kafka has, the end offset)}."""
        return {
            partition: self.request(
                self.consumer.get_watermark_offsets, TopicPartition(self.topic, partition)
            )
            for partition in self.list_partitions()
        }

    def list_partitions(self) -> list[int]:
        """Return the numbers of the topic's partitions."""
        topic = self.request(self.consumer.list_topics, self.topic).topics[self.topic]
        if topic.error is not None:
            raise KafkaClientError(kafka_config.describe_error(topic.error, f"topic {self.topic}"))
        return sorted(topic.partitions)

    def find_first_message(self, partition: int, first: int, end: int) -> int | None:
        """Return the first offset from `first` to before `end` that has a message; None if none.

        Offsets of transaction markers, and those that compaction has removed, have none.
        """
        self.consumer.assign([TopicPartition(self.topic, partition, first)])
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            message = self.consumer.poll(1)
            if message is None:
                continue
            error = message.error()
            if error is None:
                offset = message.offset()
                return offset if offset is not None and offset < end else None
            if error.code() == KafkaError._PARTITION_EOF:
                return None
            if kafka_config.is_fatal(error):
                raise KafkaClientError(kafka_config.describe_error(error, f"topic {self.topic}"))
        raise KafkaClientError(
            f"partition {partition} of {self.topic} has not answered in {TIMEOUT_SECONDS} s"
        )

    def request(self, call: Callable[..., Any], *arguments: object) -> Any:
        """Return what the broker answers; raise if it does not."""
        try:
            return call(*arguments, timeout=TIMEOUT_SECONDS)
        except KafkaException as error:
            raise KafkaClientError(
                kafka_config.describe_error(error.args[0], f"topic {self.topic}")
            ) from None

    def close(self) -> None:
        """Disconnect."""
        self.consumer.close()
