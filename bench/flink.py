"""Measure flink/ on 2 M simulated heartbeats: .venv/bin/python bench/flink.py [ROUNDS] [VIEWERS]

It needs `make kafka`, `make flink` and a broker (`make broker`, or BOOTSTRAP). The job reads a
topic of four partitions from its beginning to its end, with one task and with two in turn. The time
to start and to end Python, Java and the job is measured separately. Every round must count every
heartbeat.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path
from zlib import crc32

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from dwell.sample.heartbeats import Plan, messages, streams  # noqa: E402

WORK = ROOT / "bench" / "work"
BOOTSTRAP = os.environ.get("BOOTSTRAP", "127.0.0.1:9092")
BROKER = {"bootstrap.servers": BOOTSTRAP}
PARTITIONS = 4


def make_topics(*names):
    """Make topics, and wait until they are there."""
    admin = AdminClient(BROKER)
    for one in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names]).values():
        one.result()


def send(topic, plan):
    """Send a simulation; return how many heartbeats it is."""
    producer = Producer(BROKER | {"linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
    # without those that dwell would reject
    for number, message in enumerate(m for m in messages(plan) if m.reject is None):
        target = {"partition": crc32(message.key.encode()) % PARTITIONS}
        producer.produce(
            topic, message.payload, message.key, timestamp=message.received_at, **target
        )
        if number % 5_000 == 0:
            producer.poll(0)
    assert producer.flush(60) == 0
    return sum(stream.heartbeats for _, stream in streams(plan))


def read(topic):
    """Yield the committed messages of a topic."""
    consumer = Consumer(
        BROKER | {"group.id": "bench", "enable.auto.commit": False, "enable.partition.eof": True}
    )
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    ended = 0
    while ended < PARTITIONS:
        for message in consumer.consume(10_000, 1):
            if message.error():
                ended += 1
            else:
                yield message.value()
    consumer.close()


def run(source, parallelism):
    """Run the job to the topic's end; return its times, and what it counted."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    ended, late = f"{name}-streams", f"{name}-late"
    make_topics(ended, late)
    command = [ROOT / ".venv-flink/bin/python", ROOT / "flink/run.py", "--bounded"]
    command += ["--bootstrap", BOOTSTRAP, "--heartbeats", source, "--streams", ended]
    command += ["--late", late, "--checkpoints", WORK / name, "--parallelism", parallelism]
    output = WORK / f"{name}.log"
    with output.open("w") as log:
        begin = time.perf_counter()
        process = subprocess.run([str(word) for word in command], stdout=log, stderr=log)
        seconds = time.perf_counter() - begin
    found = re.search(r"ended after ([\d.]+) s", output.read_text())
    if process.returncode or not found:
        sys.exit(output.read_text()[-3_000:])
    ran = float(found[1])
    heartbeats = sum(json.loads(value)["heartbeats"] for value in read(ended))
    return (seconds - ran, ran), (heartbeats, sum(1 for _ in read(late)))


def main(rounds=3, viewers=4_300):
    """Print the medians."""
    WORK.mkdir(parents=True, exist_ok=True)
    source = f"bench-heartbeats-{uuid.uuid4().hex[:8]}"
    make_topics(source)
    sent = send(source, Plan(viewers=viewers, minutes=120, broken=0, wrong_clocks=0))
    print(f"{sent:,} heartbeats sent")
    measured, counts = {1: [], 2: []}, set()
    for _ in range(rounds):
        for parallelism, runs in measured.items():
            times, counted = run(source, parallelism)
            print(
                f"  {parallelism}: start and end {times[0]:.1f} s, run {times[1]:.1f} s",
                file=sys.stderr,
            )
            assert sum(counted) == sent, (counted, sent)
            runs.append(times)
            counts.add(counted)
    # which heartbeats are late does not depend on how they are read
    assert len(counts) == 1, counts
    print(f"{counts.pop()} in streams and late; load {os.getloadavg()[0]:.1f}")
    for parallelism, runs in measured.items():
        start, ran = (statistics.median(column) for column in zip(*runs, strict=True))
        print(
            f"parallelism {parallelism}: {sent / ran:,.0f} heartbeats/s, run {ran:.1f} s, "
            f"start and end {start:.1f} s"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
