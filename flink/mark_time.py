"""Write time marks into a topic that is silent, so that its last streams end.

Flink's watermark follows the messages that arrive: when nothing arrives, it does not advance. A
mark is a message with a time stamp and nothing to count. It comes after the heartbeats of its
partition, so it cannot overtake any. One is written once a partition has been silent for so long
that every stream in it must have ended, and a second one for players whose time is ahead; then no
more until something arrives. A busy topic gets none.

    .venv/bin/python flink/mark_time.py 127.0.0.1:9092 heartbeats
    .venv/bin/python flink/mark_time.py 127.0.0.1:9092 heartbeats --every 20
    .venv/bin/python flink/mark_time.py 127.0.0.1:9092 heartbeats --now [TIME]

It needs `make kafka`. Two of them at once do no harm.
"""

import argparse
import contextlib
import json
import time
from datetime import UTC, datetime
from math import inf

from confluent_kafka import Consumer, Producer, TopicPartition

# Seconds of silence: 60, the 15 that tables.sql waits, and some more; the same after an hour.
AFTER = (80, 3_680)
POLL = 2


def mark(producer, topic, partition, at):
    """Write a mark: its time stamp is what counts, its payload is for people."""
    millisecond = at.isoformat(timespec="milliseconds").removesuffix("+00:00")
    payload = json.dumps({"time_mark": f"{millisecond}Z"})
    stamp = round(at.timestamp() * 1_000)
    producer.produce(topic, payload, partition=partition, timestamp=stamp)


def partitions_of(consumer, topic):
    """Return the numbers of a topic's partitions, to which more may be added."""
    return sorted(consumer.list_topics(topic, timeout=10).topics[topic].partitions)


def due(written, every):
    """Return after how much silence the next mark is due; infinite if enough are written."""
    if every:
        return every * (written + 1)
    return AFTER[written] if written < len(AFTER) else inf


def mark_silent_partitions(consumer, producer, topic, every):
    """Mark partitions that have been silent, until interrupted."""
    end_offsets, silent_since, marks = {}, {}, {}
    while True:
        now = time.monotonic()
        for partition in partitions_of(consumer, topic):
            asked = TopicPartition(topic, partition)
            _, end = consumer.get_watermark_offsets(asked, timeout=10)
            if end_offsets.get(partition) != end:
                end_offsets[partition], silent_since[partition], marks[partition] = end, now, 0
            written = marks[partition]
            if now - silent_since[partition] >= due(written, every):
                mark(producer, topic, partition, datetime.now(UTC))
                if producer.flush(10) == 0:
                    # if anything but the mark has arrived, the end offset is another one
                    end_offsets[partition], marks[partition] = end + 1, written + 1
                    print(f"partition {partition} is silent: marked at offset {end}", flush=True)
        time.sleep(POLL)


def read_time(text):
    """Return the moment that a text names."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def main():
    """Mark all partitions once, or silent ones until interrupted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument(
        "--every",
        type=int,
        metavar="SECONDS",
        help="continue to mark a silent partition, so that Flink need not treat it as idle",
    )
    parser.add_argument(
        "--now",
        nargs="?",
        const=datetime.now(UTC),
        type=read_time,
        metavar="TIME",
        help="mark each partition once, with this time or that of now, and end",
    )
    options = parser.parse_args()
    brokers = {"bootstrap.servers": options.bootstrap}
    consumer = Consumer(brokers | {"group.id": "dwell-mark-time", "enable.auto.commit": False})
    producer = Producer(brokers | {"acks": "all", "enable.idempotence": True})
    if options.now is None:
        mark_silent_partitions(consumer, producer, options.topic, options.every)
    for partition in partitions_of(consumer, options.topic):
        mark(producer, options.topic, partition, options.now)
    if producer.flush(30):
        raise SystemExit("not all marks could be written")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
