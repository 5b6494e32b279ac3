"""Reads partitions of a topic, and lands their messages as they come.

Nothing is decoded here: dbt takes the payloads apart, in bulk, and judges them. Where to go on is
read from what has landed, so that a kill at any moment loses nothing and doubles nothing: a file is
there whole or not at all, and what is not there is read again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
from confluent_kafka import (
    TIMESTAMP_CREATE_TIME,
    Consumer,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from dwell.exceptions import KafkaClientError
from dwell.kafka import config as kafka_config
from dwell.landing.folder import SCHEMA, Landing
from dwell.runtime import log

BATCH = 10_000
MOST_BYTES = 128 * 2**20
LOOK_FOR_PARTITIONS_SECONDS = 5
GIVE_UP_SECONDS = 60
# A group of no members: dwell keeps its place in what has landed, and Kafka wants a name.
GROUP = "dwell-ingest"


@dataclass
class Place:
    """How far one partition is."""

    next_offset: int
    newest_received_at: int | None = None
    # what the broker said of the partition's end, and when it was asked (monotonic seconds)
    asked_at: float | None = None
    end: int | None = None
    # all that the broker had by this moment has been read
    complete_at: float | None = None


@dataclass
class Progress:
    """How far a reader has landed."""

    places: dict[int, Place]
    messages: int
    # received_at (ms) minus the monotonic clock (ms), at its greatest: the broker's clock is ahead
    # of the monotonic one by at least this
    broker_ahead_ms: float | None
    read_at: float = field(default_factory=time.monotonic)

    @property
    def lag(self) -> int:
        """Messages that the broker has and that have not landed, as far as is known."""
        return sum(max((p.end or 0) - p.next_offset, 0) for p in self.places.values())


class Reader:
    """Reads a share of a topic's partitions into a landing folder."""

    def __init__(self, settings, topic: str, landing: Landing, share=(0, 1), accept_loss=False):
        self.topic, self.landing, self.share = topic, landing, share
        self.accept_loss = accept_loss
        self.lock = landing.lock(topic, share)
        self.places: dict[int, Place] = {}
        self.batches: list[pa.RecordBatch] = []
        self.bytes = self.messages = 0
        self.broker_ahead_ms: float | None = None
        self.trouble: str | None = None
        # whether no broker has answered since this was said
        self.is_alone = False
        self.may_be_producers_time = True
        # what was asked of the broker, and when
        self.asked: tuple[float, dict] | None = None
        self.consumer = None
        try:
            self.connect(settings)
        except BaseException:
            self.close()
            raise

    def connect(self, settings) -> None:
        """Reach the broker, and begin to read."""
        self.consumer = kafka_config.make(
            Consumer,
            {
                "fetch.wait.max.ms": "100",
                "queued.max.messages.kbytes": "131072",
                "client.id": "dwell-ingest",
            }
            | settings
            | {
                "group.id": GROUP,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                # a place that is gone from the broker must be heard of, and never passed over
                "auto.offset.reset": "error",
                "error_cb": self.hear_of_trouble,
            },
            logger=log.LOG,
        )
        self.admin = kafka_config.make(AdminClient, settings, logger=log.LOG)
        self.landed_before = self.landing.reached(self.topic)
        newest = [r.newest_received_at for r in self.landed_before.values() if r.newest_received_at]
        if newest:
            self.note_broker_clock(max(newest))
        self.looked_at = 0.0
        self.look_for_partitions()
        self.refuse_another_topic()

    def refuse_another_topic(self) -> None:
        """Say so if the topic was deleted and made anew: its offsets mean other messages now."""
        try:
            (asked,) = self.admin.describe_topics(TopicCollection([self.topic])).values()
            topic_id = str(asked.result(30).topic_id)
        except KafkaException:
            # a broker that knows no ids, or does not tell
            return
        if self.landing.remember_topic(self.topic, topic_id) != topic_id:
            raise KafkaClientError(
                f"{self.topic} is not the topic that has landed here: it was made anew, and its "
                "offsets mean other messages. Land it in another folder, for a database of its own"
            )

    def hear_of_trouble(self, error: KafkaError) -> None:
        """Remember what the client says in the background; most of it mends itself."""
        told = kafka_config.in_words(error, "Kafka")
        if kafka_config.is_hopeless(error):
            self.trouble = told
        elif error.code() == KafkaError._ALL_BROKERS_DOWN and not self.is_alone:
            self.is_alone = True
            log.warning("no broker can be reached; trying on", error=error.str())

    def note_answer(self) -> None:
        """Say that a broker is there again, if it was said that none is."""
        if self.is_alone:
            self.is_alone = False
            log.info("a broker answers again")

    # -- Partitions ------------------------------------------------------------------------

    def look_for_partitions(self) -> None:
        """Begin to read partitions that are new to this reader."""
        found = self.ask_for_partitions()
        index, shares = self.share
        new = [p for p in sorted(found) if p % shares == index and p not in self.places]
        self.looked_at = time.monotonic()
        if not new:
            return
        for partition in new:
            # one that cannot be read ends this process: to go on without it would tell from behind
            asked_at, (lowest, highest) = time.monotonic(), self.bounds(partition)
            before = self.landed_before.get(partition)
            place = Place(before.next_offset, before.newest_received_at) if before else None
            place = self.check(partition, place, lowest, highest)
            place.asked_at, place.end = asked_at, highest
            self.places[partition] = place
        self.consumer.incremental_assign(
            [TopicPartition(self.topic, p, self.places[p].next_offset) for p in new]
        )
        log.info(
            f"reads {len(new)} partition{'s' * (len(new) != 1)} of {self.topic}",
            topic=self.topic,
            partitions={p: self.places[p].next_offset for p in new},
        )

    def ask_for_partitions(self) -> list[int]:
        """Return the topic's partitions; wait for a broker, but not for ever."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                about = self.consumer.list_topics(self.topic, timeout=5).topics[self.topic]
                if about.error is None:
                    return list(about.partitions)
                error = about.error
            except KafkaException as raised:
                error = raised.args[0]
            if self.places:
                # there is enough to do; and a broker that starts may not know its topics yet
                return []
            # hear of trouble; with nothing assigned there is no message that this could take
            self.consumer.poll(0)
            if self.trouble:
                raise KafkaClientError(self.trouble)
            if kafka_config.is_hopeless(error):
                raise KafkaClientError(kafka_config.in_words(error, f"topic {self.topic}"))
            if time.monotonic() > deadline:
                raise KafkaClientError(
                    kafka_config.in_words(error, f"no broker has answered for {GIVE_UP_SECONDS} s")
                )
            time.sleep(1)

    def bounds(self, partition: int) -> tuple[int, int]:
        """Return the first offset that a partition still has, and the one after its last."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                return self.consumer.get_watermark_offsets(
                    TopicPartition(self.topic, partition), timeout=30
                )
            except KafkaException as raised:
                # a broker that starts knows its topics before it leads their partitions
                error = raised.args[0]
                if kafka_config.is_hopeless(error) or time.monotonic() > deadline:
                    what = f"partition {partition} of {self.topic}"
                    raise KafkaClientError(kafka_config.in_words(error, what)) from None
            time.sleep(1)

    def check(self, partition: int, place: Place | None, lowest: int, highest: int) -> Place:
        """Return where to go on; say so if what comes next is no longer there."""
        if place is None:
            return Place(lowest)
        if lowest <= place.next_offset <= highest:
            return place
        if place.next_offset > highest:
            raise KafkaClientError(
                f"partition {partition} of {self.topic} ends at offset {highest}, but offset "
                f"{place.next_offset - 1} has landed: was the topic made anew? Then land it in "
                "another folder, for a database of its own"
            )
        what = (
            f"offsets {place.next_offset} to {lowest - 1} of partition {partition} of {self.topic} "
            "were removed from Kafka before they landed"
        )
        if not self.accept_loss:
            raise KafkaClientError(f"{what}; --accept-loss goes on without them")
        log.warning(what, partition=partition, lost_from=place.next_offset, lost_to=lowest - 1)
        return Place(lowest, place.newest_received_at)

    # -- Messages --------------------------------------------------------------------------

    def read(self, timeout: float) -> None:
        """Read what has come, if anything comes within so many seconds."""
        self.take(self.consumer.consume(BATCH, timeout))
        if self.trouble:
            raise KafkaClientError(self.trouble)
        if time.monotonic() - self.looked_at > LOOK_FOR_PARTITIONS_SECONDS:
            self.look_for_partitions()

    def take(self, messages) -> None:
        """Keep messages to be landed, and note how far they reach."""
        if any(message.error() for message in messages):
            for message in messages:
                if message.error():
                    self.take_event(message)
            messages = [message for message in messages if not message.error()]
        if not messages:
            return
        self.note_answer()
        partitions = [message.partition() for message in messages]
        offsets = [message.offset() for message in messages]
        kinds, times = zip(*[message.timestamp() for message in messages], strict=True)
        # -1: the message has no time
        received = [at if at >= 0 else None for at in times]
        payloads = [message.value() for message in messages]
        batch = pa.record_batch(
            [
                pa.repeat(self.topic, len(messages)),
                pa.array(partitions, pa.int32()),
                pa.array(offsets, pa.int64()),
                pa.array(received, pa.timestamp("ms")).cast(pa.timestamp("us")),
                pa.array(payloads, pa.binary()),
            ],
            schema=SCHEMA,
        )
        self.batches.append(batch)
        self.bytes += batch.nbytes
        self.messages += len(messages)
        self.note_places(partitions, offsets, received)
        if self.may_be_producers_time and TIMESTAMP_CREATE_TIME in kinds:
            self.may_be_producers_time = False
            log.warning(
                f"the times of receipt in {self.topic} are those of whoever produces it. A wrong "
                "clock there can end streams early; message.timestamp.type=LogAppendTime on the "
                "topic mends that"
            )

    def note_places(self, partitions, offsets, received) -> None:
        """Note the last offset and the newest time of receipt of each partition."""
        last = dict(zip(partitions, offsets, strict=True))
        for partition, offset in last.items():
            place = self.places[partition]
            # an end that came in the same breath may be past it
            place.next_offset = max(place.next_offset, offset + 1)
        newest: dict[int, int] = {}
        for partition, at in zip(partitions, received, strict=True):
            if at is not None and at > newest.get(partition, -1):
                newest[partition] = at
        for partition, at in newest.items():
            place = self.places[partition]
            place.newest_received_at = max(at, place.newest_received_at or 0)
        if newest:
            self.note_broker_clock(max(newest.values()))

    def note_broker_clock(self, received_at: int) -> None:
        """Note that the broker's clock is past a time of receipt (ms)."""
        ahead = received_at - time.monotonic() * 1000
        if self.broker_ahead_ms is None or ahead > self.broker_ahead_ms:
            self.broker_ahead_ms = ahead

    def take_event(self, message) -> None:
        """Heed what is no message: an end that was reached, or trouble."""
        error, partition = message.error(), message.partition()
        if error.code() == KafkaError._PARTITION_EOF:
            # past what no reader sees, such as the marks of transactions
            place = self.places[partition]
            place.next_offset = max(place.next_offset, message.offset())
        elif error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            place = self.check(partition, self.places[partition], *self.bounds(partition))
            self.places[partition] = place
            self.consumer.incremental_unassign([TopicPartition(self.topic, partition)])
            self.consumer.incremental_assign(
                [TopicPartition(self.topic, partition, place.next_offset)]
            )
        elif kafka_config.is_hopeless(error):
            raise KafkaClientError(kafka_config.in_words(error, f"topic {self.topic}"))
        else:
            log.warning(kafka_config.in_words(error, f"topic {self.topic}"), partition=partition)

    # -- Ends ------------------------------------------------------------------------------

    def ask_for_ends(self) -> None:
        """Ask where the partitions end, and heed the answers to what was asked before."""
        if self.asked is None and self.places:
            asked = {TopicPartition(self.topic, p): OffsetSpec.latest() for p in self.places}
            self.asked = (time.monotonic(), self.admin.list_offsets(asked, request_timeout=10))
        asked_at, answers = self.asked or (None, {})
        if not all(answer.done() for answer in answers.values()):
            return
        self.asked = None
        if any(answer.exception() is None for answer in answers.values()):
            self.note_answer()
        for topic_partition, answer in answers.items():
            place = self.places[topic_partition.partition]
            # a partition that is behind keeps the end that it has yet to reach
            if answer.exception() is None and self.is_complete(place):
                place.asked_at, place.end = asked_at, answer.result().offset

    @staticmethod
    def is_complete(place: Place) -> bool:
        """Whether all has been read that the broker was known to have."""
        return place.end is None or place.next_offset >= place.end

    def has_read_to_the_ends(self, ends: dict[int, int]) -> bool:
        """Whether these ends have been reached."""
        return all(self.places[p].next_offset >= end for p, end in ends.items())

    # -- Landing ---------------------------------------------------------------------------

    def land(self) -> Progress:
        """Land what was read, and return how far that is."""
        if self.batches:
            self.landing.write(self.topic, self.share, self.batches)
            self.batches, self.bytes = [], 0
        for place in self.places.values():
            if place.asked_at is not None and place.next_offset >= place.end:
                place.complete_at = place.asked_at
        return Progress(self.places, self.messages, self.broker_ahead_ms)

    def close(self) -> None:
        """Let go of the broker and of the lock. What was not landed is read again next time."""
        if self.consumer is not None:
            self.consumer.close()
        self.lock.close()


def read_on(
    reader: Reader,
    every: float,
    until_end: bool,
    goes_on: Callable[[], bool],
    tell: Callable[[Progress], None],
) -> None:
    """Read and land until told to end, or until the end that was there at the start."""
    ends = {p: place.end for p, place in reader.places.items()} if until_end else None
    land_at = time.monotonic() + every
    while goes_on():
        reader.read(timeout=min(max(land_at - time.monotonic(), 0), 0.2))
        at_end = ends is not None and reader.has_read_to_the_ends(ends)
        if at_end or time.monotonic() >= land_at or reader.bytes >= MOST_BYTES:
            reader.ask_for_ends()
            tell(reader.land())
            land_at = time.monotonic() + every
        if at_end:
            return
    tell(reader.land())
