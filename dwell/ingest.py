"""`dwell ingest`: a Kafka topic's messages, as they come, into landing files."""

import argparse
import logging
from pathlib import Path

from dwell import kafka, log, options, stop
from dwell.kafka import KafkaTrouble, WrongUsage
from dwell.landing import Landing, LandingInUse
from dwell.reader import Progress, Reader, read_on


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_reading_options(parser)
    parser.add_argument(
        "--share",
        type=share,
        default=(0, 1),
        metavar="I/N",
        help="read the I-th of N shares of the partitions, for several processes side by side",
    )


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is read, and into where."""
    options.add_kafka(parser)
    parser.add_argument("--topic", required=True, help="the topic of the heartbeats")
    parser.add_argument(
        "--landing", default="landing", metavar="FOLDER", help="where files land (default: landing)"
    )
    parser.add_argument(
        "--every",
        type=options.seconds,
        default=5.0,
        metavar="SECONDS",
        help="how often a file lands (default: 5)",
    )
    parser.add_argument(
        "--until-end",
        action="store_true",
        help="end once what was there at the start has been read (default: go on)",
    )
    parser.add_argument(
        "--accept-loss",
        action="store_true",
        help="go on where Kafka has removed messages before they landed (default: stop and say so)",
    )


def share(text: str) -> tuple[int, int]:
    """Return (1, 4) for 2/4: shares are numbered from 1 by people."""
    index, _, shares = text.partition("/")
    if not (index.isdigit() and shares.isdigit() and 1 <= int(index) <= int(shares)):
        raise argparse.ArgumentTypeError("must be as 1/4: the first of four shares")
    return int(index) - 1, int(shares)


def main(arguments: argparse.Namespace) -> int:
    """Land until told to end. 0: ended as asked; 1: could not go on; 2: wrong usage."""
    log.set_up()
    stop.listen()
    status = log.Status()
    rate = log.Rate()

    def tell(progress: Progress) -> None:
        per_second = rate.per_second(progress.read_at, progress.messages)
        status.tell(
            progress.read_at,
            f"landed {progress.messages:,}, {per_second:,.0f}/s, {progress.lag:,} behind",
            landed=progress.messages,
            per_second=round(per_second),
            lag=progress.lag,
        )

    try:
        settings = kafka.settings_of(arguments)
        landing = Landing(Path(arguments.landing))
        reader = Reader(settings, arguments.topic, landing, arguments.share, arguments.accept_loss)
    except (KafkaTrouble, LandingInUse, OSError) as error:
        log.say(str(error), logging.ERROR)
        return 2 if isinstance(error, WrongUsage) else 1
    try:
        read_on(reader, arguments.every, arguments.until_end, lambda: not stop.is_asked(), tell)
    except (KafkaTrouble, OSError) as error:
        status.end()
        log.say(str(error), logging.ERROR)
        return 1
    finally:
        reader.close()
    status.end()
    log.say(f"ended; {reader.messages:,} messages landed", landed=reader.messages)
    return 0
