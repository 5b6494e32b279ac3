"""`dwell simulate`: writes simulated heartbeats or sends them to Kafka; tells the true streams.

The sample, seeds/watch_heartbeats.csv, is made by `python -m dwell simulate` with the options in
SAMPLE and `--output seeds/watch_heartbeats.csv`.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from dwell import options
from dwell.simulation import (
    FIELDS,
    FLAWS,
    IN_THE_FUTURE,
    PEAK,
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


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    default = Plan()

    def option(name, kind, text, **more):
        value = getattr(default, name.replace("-", "_"))
        told = f"{text} (default: {value})"
        parser.add_argument(f"--{name}", type=kind, default=value, help=told, **more)

    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="jsonl",
        help="jsonl: a payload a line, in the order of arrival; csv: the six fields and "
        "received_at, without the messages that no CSV can show (default: jsonl)",
    )
    parser.add_argument(
        "--output", default="-", metavar="FILE", help="where to write; - is stdout (default: -)"
    )
    parser.add_argument(
        "--topic",
        help="send them to this Kafka topic, each with its time of receipt, instead of writing a "
        "file (needs make kafka)",
    )
    parser.add_argument(
        "--partitions",
        type=options.at_least(1, int),
        default=4,
        metavar="N",
        help="of the topic, which is made if it is not there (default: 4)",
    )
    options.add_kafka(parser)
    parser.add_argument(
        "--rate", type=options.positive, metavar="N", help="send at most so many messages a second"
    )
    parser.add_argument(
        "--speed",
        type=options.positive,
        metavar="N",
        help="send them as they happen, N simulated seconds in a second (default: at once)",
    )
    parser.add_argument("--truth", metavar="FILE", help="where to write the true streams, as CSV")
    option("seed", int, "the same options and seed give the same bytes", metavar="N")
    option("viewers", int, "how many viewers come, beside those of the edge cases", metavar="N")
    option("programs", int, "how many programs there are to choose from", metavar="N")
    option("minutes", int, "how long it lasts; late heartbeats arrive after it", metavar="N")
    parser.add_argument(
        "--start",
        type=read_time,
        default=default.start,
        metavar="TIME",
        help="when it begins: now, or ISO 8601, UTC without a zone; the hour tells how busy it is "
        f"(default: {write_time(default.start)}, a busy evening)",
    )
    parser.add_argument(
        "--peak",
        action="store_true",
        help=f"begin at a peak: half of the viewers come in the first {PEAK} minutes",
    )
    option("pause", float, "share of viewings with pauses, short or long", metavar="SHARE")
    option("late", float, "share of viewings with heartbeats that come late", metavar="SHARE")
    option("double", float, "share of heartbeats that are sent twice", metavar="SHARE")
    option("broken", float, "broken messages, as a share of heartbeats", metavar="SHARE")
    option("wrong-clocks", int, "viewers with a clock that is years ahead", metavar="N")


def read_time(text: str) -> int:
    """Return the moment that a text names."""
    if text == "now":
        return int(datetime.now(UTC).timestamp()) * SECOND
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or not 2000 <= at.year < 3000:
        raise argparse.ArgumentTypeError(
            f"must be a time since 2000, such as 2025-03-12T19:00:00Z, not {text!r}"
        )
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


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
    """Write messages and truth, and say on stderr how many are rejects. 2 if it cannot be done."""
    try:
        plan = Plan(**{name: getattr(arguments, name) for name in Plan.__dataclass_fields__})
        if arguments.truth == arguments.output:
            raise ValueError("the messages and their truth cannot be written to one file")
    except ValueError as error:
        print(f"dwell: {error}", file=sys.stderr)
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
        print(f"dwell: {error}", file=sys.stderr)
        return 2
    print(f"dwell: {told_rejects(plan, arguments.format)}", file=sys.stderr)
    return 0


def send_to_topic(arguments: argparse.Namespace, plan: Plan) -> int:
    """Send the messages to Kafka. 2 if it cannot be done."""
    try:
        from dwell import kafka, log, send
    except ModuleNotFoundError as error:
        print(f"dwell simulate --topic needs {error.name}: make kafka", file=sys.stderr)
        return 2
    try:
        log.set_up()
        settings = kafka.settings_of(arguments)
        send.make_topic(settings, arguments.topic, arguments.partitions)
        sent = send.send(settings, arguments.topic, messages(plan), arguments.rate, arguments.speed)
    except kafka.KafkaTrouble as error:
        print(f"dwell: {error}", file=sys.stderr)
        return 2
    print(f"dwell: {sent:,} sent; {told_rejects(plan, 'jsonl')}", file=sys.stderr)
    return 0


def told_rejects(plan: Plan, file_format: str) -> str:
    """Return a sentence on the messages of a file that belong to no stream."""
    counts = {
        reason: count
        for reason, count in sorted(rejects(plan).items())
        if file_format != "csv" or reason in SHOWN_IN_CSV
    }
    told = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
    return f"{sum(counts.values()):,} messages belong to no stream" + (f": {told}" if told else "")
