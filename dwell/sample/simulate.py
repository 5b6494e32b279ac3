"""`dwell simulate`: writes simulated heartbeats or sends them to Kafka; tells the true streams.

The sample, seeds/watch_heartbeats.csv, is made by `dwell simulate` with the options in
SAMPLE and `--output seeds/watch_heartbeats.csv`.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from dwell.exceptions import KafkaClientError
from dwell.runtime.terminal import print_error
from dwell.sample.heartbeats import (
    FIELDS,
    FLAWS,
    IN_THE_FUTURE,
    SECOND,
    Message,
    Plan,
    Stream,
    Viewing,
    identity_of,
    messages,
    rejects,
    streams,
    write_time,
)

SAMPLE = (
    "--format csv --seed 17 --viewers 9 --programs 5 --minutes 14 "
    "--pause 0.8 --late 0.3 --double 0.02 --broken 0.02"
)

TRUTH = (*FIELDS[:5], "stream_duration", "first_heartbeat_at", "last_heartbeat_at", "heartbeats")
# A CSV has no types, and a row of it is never broken JSON.
SHOWN_IN_CSV = (None, IN_THE_FUTURE, *(f for f in FLAWS if f.startswith(("missing_", "unread"))))


def write_jsonl(out: TextIO, sent: Iterable[Message]) -> None:
    """Write one payload a line; an empty one is an empty line."""
    out.writelines(f"{message.payload}\n" for message in sent)


def write_csv(out: TextIO, sent: Iterable[Message]) -> None:
    """Write one row a message, and leave out those that no CSV can show."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*FIELDS, "received_at"))
    for message in sent:
        if message.reject in SHOWN_IN_CSV:
            fields = json.loads(message.payload)
            writer.writerow((*map(fields.get, FIELDS), write_time(message.received_at)))


def write_truth(out: TextIO, told: Iterable[tuple[Viewing, Stream]]) -> None:
    """Write one row a true stream."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(TRUTH)
    for viewing, stream in told:
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


@contextmanager
def opened(path: str) -> Iterator[TextIO]:
    """Open a file to write, or stdout, with the same line ends everywhere."""
    if path == "-":
        yield sys.stdout
        sys.stdout.flush()
    else:
        with Path(path).open("w", encoding="utf-8", newline="") as out:
            yield out


def main(arguments: argparse.Namespace) -> int:
    """Write messages and truth, and say on stderr how many are rejects.

    1: they cannot be written; 2: wrong usage.
    """
    try:
        plan = Plan(**{name: getattr(arguments, name) for name in Plan.__dataclass_fields__})
        if arguments.truth == arguments.output:
            raise ValueError("the messages and their truth cannot be written to one file")
    except ValueError as error:
        print_error(error)
        return 2
    try:
        if arguments.truth:
            with opened(arguments.truth) as out:
                write_truth(out, streams(plan))
        if arguments.topic:
            return send_to_topic(arguments, plan)
        with opened(arguments.output) as out:
            FORMATS[arguments.format](out, messages(plan))
    except BrokenPipeError:
        # `| head` has had enough
        return 0
    except OSError as error:
        # a full disk is told without the file's name
        name = error.filename or arguments.output
        print_error(f"{name} cannot be written: {error.strerror}")
        return 1
    print(told_rejects(plan, arguments.format), file=sys.stderr)
    return 0


def send_to_topic(arguments: argparse.Namespace, plan: Plan) -> int:
    """Send the messages to Kafka. 2 if it cannot be done."""
    try:
        from dwell.kafka import config as kafka_config
        from dwell.kafka import producer
        from dwell.runtime import log
    except ModuleNotFoundError as error:
        print(f"dwell simulate --topic needs {error.name}: make kafka", file=sys.stderr)
        return 2
    try:
        log.set_up()
        settings = kafka_config.client_settings(arguments.bootstrap_servers, arguments.kafka_config)
        producer.create_topic(settings, arguments.topic, arguments.partitions)
        sent = producer.produce(
            settings, arguments.topic, messages(plan), arguments.rate, arguments.speed
        )
    except KafkaClientError as error:
        print_error(error)
        return 2
    print(f"{sent:,} sent; {told_rejects(plan, 'jsonl')}", file=sys.stderr)
    return 0


def told_rejects(plan: Plan, file_format: str) -> str:
    """Return a sentence on the messages of a file that belong to no stream."""
    counts = {
        reason: count
        for reason, count in sorted(rejects(plan).items())
        if file_format != "csv" or reason in SHOWN_IN_CSV
    }
    told = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
    made = f"{sum(counts.values()):,} of the messages are made to be rejected"
    return made + (f": {told}" if told else "")
