"""`dwell simulate`: writes simulated heartbeats, or sends them to Kafka; writes the true streams.

The sample, seeds/watch_heartbeats.csv, is made by `dwell simulate` with the options in
SAMPLE and `--output seeds/watch_heartbeats.csv`.
"""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from dwell.exceptions import OutputError, UsageError
from dwell.sample.heartbeats import (
    Message,
    identity_of,
    messages,
    rejects,
    streams,
    write_time,
)
from dwell.sample.plan import FIELDS, FLAWS, IN_THE_FUTURE, SECOND, Plan, Stream, Viewing

SAMPLE = (
    "--format csv --seed 17 --viewers 9 --programs 5 --minutes 14 "
    "--pause 0.8 --late 0.3 --double 0.02 --broken 0.02"
)

TRUTH = (*FIELDS[:5], "stream_duration", "first_heartbeat_at", "last_heartbeat_at", "heartbeats")
# A CSV has no types, and a row of it is never broken JSON.
SHOWN_IN_CSV = (None, IN_THE_FUTURE, *(f for f in FLAWS if f.startswith(("missing_", "unread"))))


def write_jsonl(out: TextIO, sent: Iterable[Message]) -> None:
    """Write one payload per line; an empty one is an empty line."""
    out.writelines(f"{message.payload}\n" for message in sent)


def write_csv(out: TextIO, sent: Iterable[Message]) -> None:
    """Write one row per message, without those that no CSV can show."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*FIELDS, "received_at"))
    for message in sent:
        if message.reject in SHOWN_IN_CSV:
            fields = json.loads(message.payload)
            writer.writerow((*map(fields.get, FIELDS), write_time(message.received_at)))


def write_truth(out: TextIO, true_streams: Iterable[tuple[Viewing, Stream]]) -> None:
    """Write one row per true stream."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(TRUTH)
    for viewing, stream in true_streams:
        seconds, milliseconds = divmod(stream.duration(viewing.start), SECOND)
        row = (
            *identity_of(viewing),
            f"{seconds}.{milliseconds:03}",
            write_time(stream.first),
            write_time(stream.last),
            stream.heartbeats,
        )
        writer.writerow(row)


FORMATS = {"jsonl": write_jsonl, "csv": write_csv}


# -- The command -------------------------------------------------------------------------------


def simulate_heartbeats(
    plan: Plan,
    *,
    file_format: str,
    output: str,
    topic: str | None,
    partitions: int,
    bootstrap_servers: str | None,
    kafka_config: str | None,
    rate: float | None,
    speed: float | None,
    truth: str | None,
) -> None:
    """Write or send messages, write the true streams, and print how many messages are rejects."""
    if truth == output:
        raise UsageError("the messages and their truth cannot be written to one file")
    if truth:
        with open_output(truth) as out:
            write_truth(out, streams(plan))
    if topic:
        sent = send_to_topic(
            plan,
            topic,
            partitions=partitions,
            bootstrap_servers=bootstrap_servers,
            kafka_config=kafka_config,
            rate=rate,
            speed=speed,
        )
        print(f"{sent:,} sent; {describe_rejects(plan, 'jsonl')}", file=sys.stderr)
        return
    try:
        with open_output(output) as out:
            FORMATS[file_format](out, messages(plan))
    except BrokenPipeError:
        # `| head` has read enough
        return
    print(describe_rejects(plan, file_format), file=sys.stderr)


@contextmanager
def open_output(path: str) -> Iterator[TextIO]:
    """Open a file to write, or stdout, with the same line ends everywhere."""
    try:
        if path == "-":
            yield sys.stdout
            sys.stdout.flush()
        else:
            with Path(path).open("w", encoding="utf-8", newline="") as out:
                yield out
    except BrokenPipeError:
        raise
    except OSError as error:
        # the error of a full disk does not name the file
        name = error.filename or path
        raise OutputError(f"{name} cannot be written: {error.strerror}") from error


def send_to_topic(
    plan: Plan,
    topic: str,
    *,
    partitions: int,
    bootstrap_servers: str | None,
    kafka_config: str | None,
    rate: float | None,
    speed: float | None,
) -> int:
    """Send the messages to Kafka, and return their number."""
    from dwell.kafka import config, producer
    from dwell.runtime import log

    log.set_up()
    settings = config.client_settings(bootstrap_servers, kafka_config)
    producer.create_topic(settings, topic, partitions)
    return producer.produce(settings, topic, messages(plan), rate, speed)


def describe_rejects(plan: Plan, file_format: str) -> str:
    """Return a sentence on the messages that belong to no stream."""
    counts = {
        reason: count
        for reason, count in sorted(rejects(plan).items())
        if file_format != "csv" or reason in SHOWN_IN_CSV
    }
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
    total = f"{sum(counts.values()):,} of the messages are made to be rejected"
    return total + (f": {reasons}" if reasons else "")
