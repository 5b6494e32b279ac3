"""Where ended streams are told: a Kafka topic, a folder, or nowhere but in the ledger.

A sink takes a batch as a whole, or not at all, and knows which one it took last.
"""

import time
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from dwell import kafka, log
from dwell.kafka import KafkaTrouble
from dwell.landing import put_in_place

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
        put_in_place(hidden, path)


class Topic:
    """A Kafka topic. A batch is a transaction, and so is the note that it was told.

    An idempotent producer alone forgets at a restart what it has sent. So the number of the batch
    is committed in the batch's own transaction, as the offset of a consumer group that nobody else
    uses: after a kill, it says whether the batch is in the topic.
    """

    # Kafka drops the offsets of a group after offsets.retention.minutes
    forgets = True

    def __init__(self, settings: dict, topic: str, group: str):
        self.topic, self.group = topic, group
        self.name = f"topic {topic}, group {group}"
        self.producer = kafka.make(
            Producer,
            {"compression.type": "lz4", "linger.ms": "20", "client.id": "dwell-watch"}
            | settings
            | {
                "transactional.id": group,
                "transaction.timeout.ms": TRANSACTION_SECONDS * 1000,
                "queue.buffering.max.messages": 1_000_000,
            },
            logger=log.LOG,
        )
        self.consumer = kafka.make(
            Consumer,
            settings | {"group.id": group, "enable.auto.commit": False},
            logger=log.LOG,
        )

    def open(self) -> None:
        """Keep others with this name from publishing, and have done with what they began."""
        about = self.producer.list_topics(self.topic, timeout=30).topics[self.topic]
        if about.error is not None:
            raise KafkaTrouble(kafka.in_words(about.error, f"topic {self.topic}"))
        self.producer.init_transactions(TRANSACTION_SECONDS)

    def last_batch(self) -> int | None:
        """Return the last batch that is in the topic, by its own note; None without a note."""
        (place,) = self.consumer.committed([TopicPartition(self.topic, 0)], timeout=30)
        if place.error is not None:
            raise KafkaTrouble(kafka.in_words(place.error, f"group {self.group}"))
        return place.offset if place.offset >= 0 else None

    def publish(self, batch: int, messages: list[tuple[str, str]]) -> None:
        """Send a batch and its number in one transaction."""
        while not self.tried(batch, messages):
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
            self.producer.send_offsets_to_transaction(
                [TopicPartition(self.topic, 0, batch)],
                self.consumer.consumer_group_metadata(),
                TRANSACTION_SECONDS,
            )
            self.commit()
            return True
        except KafkaException as raised:
            error = raised.args[0]
            if error.fatal() or not error.txn_requires_abort():
                raise KafkaTrouble(
                    kafka.in_words(error, f"batch {batch} to {self.topic}")
                ) from None
            log.warn(kafka.in_words(error, f"batch {batch} to {self.topic}, trying again"))
            self.producer.abort_transaction(TRANSACTION_SECONDS)
            return False

    def commit(self) -> None:
        """Commit; ask again while the broker may answer otherwise."""
        while True:
            try:
                return self.producer.commit_transaction(TRANSACTION_SECONDS)
            except KafkaException as raised:
                if not raised.args[0].retriable():
                    raise
                log.warn(kafka.in_words(raised.args[0], "commit, asked again"))
