"""Consumes partitions of a topic, and lands their messages as they arrive.

Nothing is decoded here: dbt parses and validates the payloads, in bulk. Where to continue is read
from the landing files, so that a kill at any moment loses nothing and doubles nothing: a file is
there complete or not at all, and messages that are in no file are read again.
"""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import confluent_kafka.admin
import pyarrow as pa
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from dwell.exceptions import KafkaClientError
from dwell.kafka import config as kafka_config
from dwell.kafka.messages import MessageColumns, to_columns, to_record_batch
from dwell.kafka.progress import ConsumerProgress, PartitionProgress
from dwell.landing.folder import Landing, Share
from dwell.runtime import log

MAX_MESSAGES_PER_READ = 10_000
MAX_BUFFERED_BYTES = 128 * 2**20
FIND_PARTITIONS_SECONDS = 5
TIMEOUT_SECONDS = 60
# A group without members: dwell continues from its landing files, but Kafka requires a name.
GROUP = "dwell-ingest"
# its stubs do not export OffsetSpec
ADMIN: Any = confluent_kafka.admin
LATEST = ADMIN.OffsetSpec.latest()


class PartitionConsumer:
    """Consumes a share of a topic's partitions into a landing folder."""

    def __init__(
        self,
        settings: Mapping[str, str],
        topic: str,
        landing: Landing,
        share: Share = (0, 1),
        accept_loss: bool = False,
    ) -> None:
        self.topic, self.landing, self.share = topic, landing, share
        self.accept_loss = accept_loss
        self.partitions: dict[int, PartitionProgress] = {}
        self.batches: list[pa.RecordBatch] = []
        self.buffered_bytes = self.message_count = 0
        self.broker_ahead_ms: float | None = None
        # an error of the client that a retry does not fix
        self.fatal_error: str | None = None
        # whether it is logged that no broker answers, and none has answered since
        self.is_disconnected = False
        self.has_warned_of_producer_time = False
        # when end offsets were requested, and the answers
        self.requested: tuple[float, dict[TopicPartition, Future[Any]]] | None = None
        with contextlib.ExitStack() as resources:
            resources.enter_context(landing.lock(topic, share))
            self.consumer = self.create_consumer(settings)
            resources.callback(self.consumer.close)
            self.admin = kafka_config.create_client(AdminClient, settings, logger=log.LOG)
            self.landed = landing.landed_offsets(topic)
            for partition in self.landed.values():
                if partition.newest_received_at:
                    self.advance_broker_time(partition.newest_received_at)
            self.find_partitions()
            self.refuse_recreated_topic()
            self.resources = resources.pop_all()

    def create_consumer(self, settings: Mapping[str, str]) -> Consumer:
        """Return Kafka's consumer, without partitions."""
        return kafka_config.create_client(
            Consumer,
            {
                "fetch.wait.max.ms": "100",
                "queued.max.messages.kbytes": "131072",
                "client.id": "dwell-ingest",
            }
            | dict(settings)
            | {
                "group.id": GROUP,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                # an offset that the broker has removed must be an error, and never be skipped
                "auto.offset.reset": "error",
                "error_cb": self.handle_client_error,
            },
            logger=log.LOG,
        )

    def refuse_recreated_topic(self) -> None:
        """Raise if the topic was deleted and created again: its offsets mean other messages now."""
        try:
            (answer,) = self.admin.describe_topics(TopicCollection([self.topic])).values()
            topic_id = str(answer.result(30).topic_id)
        except KafkaException:
            # a broker without topic ids, or one that does not answer
            return
        if self.landing.remember_topic(self.topic, topic_id) != topic_id:
            raise KafkaClientError(
                f"{self.topic} is not the topic that has landed here: it was deleted and created "
                "again, and its offsets mean other messages. Land it in another folder, for "
                "another database"
            )

    def handle_client_error(self, error: KafkaError) -> None:
        """Remember or log an error that the client reports in the background; it retries most."""
        if kafka_config.is_fatal(error):
            self.fatal_error = kafka_config.describe_error(error, "Kafka")
        elif error.code() == KafkaError._ALL_BROKERS_DOWN and not self.is_disconnected:
            self.is_disconnected = True
            log.warning("no broker can be reached; retrying", error=error.str())

    def handle_answer(self) -> None:
        """Log that a broker answers again, if it was logged that none does."""
        if self.is_disconnected:
            self.is_disconnected = False
            log.info("a broker answers again")

    # -- Partitions ------------------------------------------------------------------------

    def find_partitions(self) -> None:
        """Begin to consume partitions that this consumer does not have yet."""
        found = self.list_partitions()
        index, shares = self.share
        new = [p for p in sorted(found) if p % shares == index and p not in self.partitions]
        self.found_at = time.monotonic()
        if not new:
            return
        for partition in new:
            # One that cannot be read ends this process: without it, streams would be published
            # whose heartbeats are in it.
            requested_at, (first, end) = time.monotonic(), self.get_offset_bounds(partition)
            progress = self.resume(partition, self.landed_progress(partition), first, end)
            progress.end_requested_at, progress.end_offset = requested_at, end
            self.partitions[partition] = progress
        self.consumer.incremental_assign(
            [TopicPartition(self.topic, p, self.partitions[p].next_offset) for p in new]
        )
        log.info(
            f"consuming {len(new)} partition{'s' * (len(new) != 1)} of {self.topic}",
            topic=self.topic,
            partitions={p: self.partitions[p].next_offset for p in new},
        )

    def landed_progress(self, partition: int) -> PartitionProgress | None:
        """Return how far a partition had landed when this process began; None if it had not."""
        landed = self.landed.get(partition)
        return PartitionProgress(landed.next_offset, landed.newest_received_at) if landed else None

    def list_partitions(self) -> list[int]:
        """Return the topic's partitions; wait for a broker, up to a timeout."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                topic = self.consumer.list_topics(self.topic, timeout=5).topics[self.topic]
                if topic.error is None:
                    return list(topic.partitions)
                error = topic.error
            except KafkaException as raised:
                error = raised.args[0]
            if self.partitions:
                # these can be consumed; a broker that starts may not know its topics yet
                return []
            # serves handle_client_error; without an assignment, this returns no message
            self.consumer.poll(0)
            if self.fatal_error:
                raise KafkaClientError(self.fatal_error)
            if kafka_config.is_fatal(error):
                raise KafkaClientError(kafka_config.describe_error(error, f"topic {self.topic}"))
            if time.monotonic() > deadline:
                what = f"no broker has answered for {TIMEOUT_SECONDS} s"
                raise KafkaClientError(kafka_config.describe_error(error, what))
            time.sleep(1)

    def get_offset_bounds(self, partition: int) -> tuple[int, int]:
        """Return the first offset that a partition still has, and its end offset."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                return self.consumer.get_watermark_offsets(
                    TopicPartition(self.topic, partition), timeout=30
                )
            except KafkaException as raised:
                # a broker that starts knows its topics before it leads their partitions
                error = raised.args[0]
                if kafka_config.is_fatal(error) or time.monotonic() > deadline:
                    what = f"partition {partition} of {self.topic}"
                    raise KafkaClientError(kafka_config.describe_error(error, what)) from None
            time.sleep(1)

    def resume(
        self, partition: int, progress: PartitionProgress | None, first: int, end: int
    ) -> PartitionProgress:
        """Return where to continue; raise if the next message is no longer in Kafka."""
        if progress is None:
            return PartitionProgress(first)
        if first <= progress.next_offset <= end:
            return progress
        if progress.next_offset > end:
            raise KafkaClientError(
                f"partition {partition} of {self.topic} ends at offset {end}, but offset "
                f"{progress.next_offset - 1} has landed: was the topic deleted and created again? "
                "Then land it in another folder, for another database"
            )
        loss = (
            f"offsets {progress.next_offset} to {first - 1} of partition {partition} of "
            f"{self.topic} were removed from Kafka before they landed"
        )
        if not self.accept_loss:
            raise KafkaClientError(f"{loss}; --accept-loss continues without them")
        log.warning(loss, partition=partition, lost_from=progress.next_offset, lost_to=first - 1)
        return PartitionProgress(first, progress.newest_received_at)

    # -- Messages --------------------------------------------------------------------------

    def read(self, timeout: float) -> None:
        """Read the messages that arrive within a timeout (seconds)."""
        self.buffer(self.consumer.consume(MAX_MESSAGES_PER_READ, timeout))
        if self.fatal_error:
            raise KafkaClientError(self.fatal_error)
        if time.monotonic() - self.found_at > FIND_PARTITIONS_SECONDS:
            self.find_partitions()

    def buffer(self, messages: Sequence[Message]) -> None:
        """Keep messages until they land, and note how far they reach."""
        if any(message.error() for message in messages):
            for message in messages:
                if error := message.error():
                    self.handle_partition_error(message, error)
            messages = [message for message in messages if not message.error()]
        if not messages:
            return
        self.handle_answer()
        columns = to_columns(messages)
        batch = to_record_batch(self.topic, columns)
        self.batches.append(batch)
        self.buffered_bytes += batch.nbytes
        self.message_count += len(messages)
        self.advance(columns)
        if columns.has_producer_time and not self.has_warned_of_producer_time:
            self.has_warned_of_producer_time = True
            log.warning(
                f"the times of receipt in {self.topic} are those of its producers. A wrong system "
                "time there can end streams early. Set message.timestamp.type=LogAppendTime on the "
                "topic"
            )

    def advance(self, columns: MessageColumns) -> None:
        """Note the last offset and the newest time of receipt of each partition."""
        last = dict(zip(columns.partitions, columns.offsets, strict=True))
        for partition, offset in last.items():
            progress = self.partitions[partition]
            # an end of the partition that was read together with it may be past it
            progress.next_offset = max(progress.next_offset, offset + 1)
        newest: dict[int, int] = {}
        for partition, received_at in zip(columns.partitions, columns.received_at, strict=True):
            if received_at is not None and received_at > newest.get(partition, -1):
                newest[partition] = received_at
        for partition, received_at in newest.items():
            progress = self.partitions[partition]
            progress.newest_received_at = max(received_at, progress.newest_received_at or 0)
        if newest:
            self.advance_broker_time(max(newest.values()))

    def advance_broker_time(self, received_at: int) -> None:
        """Note that the broker's time is past a time of receipt (ms)."""
        ahead_ms = received_at - time.monotonic() * 1000
        if self.broker_ahead_ms is None or ahead_ms > self.broker_ahead_ms:
            self.broker_ahead_ms = ahead_ms

    def handle_partition_error(self, message: Message, error: KafkaError) -> None:
        """Handle what Kafka returns instead of a message: the end of a partition, or an error."""
        # librdkafka sets the partition and the offset of these, too
        partition, offset = message.partition() or 0, message.offset() or 0
        if error.code() == KafkaError._PARTITION_EOF:
            # past offsets that no consumer sees, such as transaction markers
            progress = self.partitions[partition]
            progress.next_offset = max(progress.next_offset, offset)
        elif error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            bounds = self.get_offset_bounds(partition)
            progress = self.resume(partition, self.partitions[partition], *bounds)
            self.partitions[partition] = progress
            self.consumer.incremental_unassign([TopicPartition(self.topic, partition)])
            self.consumer.incremental_assign(
                [TopicPartition(self.topic, partition, progress.next_offset)]
            )
        elif kafka_config.is_fatal(error):
            raise KafkaClientError(kafka_config.describe_error(error, f"topic {self.topic}"))
        else:
            what = f"topic {self.topic}"
            log.warning(kafka_config.describe_error(error, what), partition=partition)

    # -- End offsets -----------------------------------------------------------------------

    def request_end_offsets(self) -> None:
        """Request the end offsets, and handle the answers to the request before."""
        if self.requested is None and self.partitions:
            partitions = {TopicPartition(self.topic, p): LATEST for p in self.partitions}
            answers = self.admin.list_offsets(partitions, request_timeout=10)
            self.requested = (time.monotonic(), answers)
        requested_at, answers = self.requested or (None, {})
        if not all(answer.done() for answer in answers.values()):
            return
        self.requested = None
        if any(answer.exception() is None for answer in answers.values()):
            self.handle_answer()
        for topic_partition, answer in answers.items():
            progress = self.partitions[topic_partition.partition]
            # a partition that is behind keeps the end offset that it has not reached yet
            if answer.exception() is None and progress.has_reached_end():
                progress.end_requested_at = requested_at
                progress.end_offset = answer.result().offset

    # -- Landing ---------------------------------------------------------------------------

    def land(self) -> ConsumerProgress:
        """Land what was read, and return how far that is."""
        if self.batches:
            self.landing.write(self.topic, self.share, self.batches)
            self.batches, self.buffered_bytes = [], 0
        for progress in self.partitions.values():
            if progress.end_requested_at is not None and progress.has_reached_end():
                progress.complete_at = progress.end_requested_at
        return ConsumerProgress(self.partitions, self.message_count, self.broker_ahead_ms)

    def close(self) -> None:
        """Disconnect, and release the lock. What has not landed is read again next time."""
        self.resources.close()


def consume(
    consumer: PartitionConsumer,
    every: float,
    until_end: bool,
    is_running: Callable[[], bool],
    report: Callable[[ConsumerProgress], None],
) -> None:
    """Read and land while `is_running`, or up to the end offsets of the start."""
    end_offsets = {p: progress.end_offset or 0 for p, progress in consumer.partitions.items()}
    land_at = time.monotonic() + every
    while is_running():
        consumer.read(timeout=min(max(land_at - time.monotonic(), 0), 0.2))
        is_at_end = until_end and all(
            consumer.partitions[p].next_offset >= end for p, end in end_offsets.items()
        )
        is_due = time.monotonic() >= land_at or consumer.buffered_bytes >= MAX_BUFFERED_BYTES
        if is_at_end or is_due:
            consumer.request_end_offsets()
            report(consumer.land())
            land_at = time.monotonic() + every
        if is_at_end:
            return
    report(consumer.land())
