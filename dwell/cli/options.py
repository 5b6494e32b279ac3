"""Options that several commands have, and kinds of values for them."""

import argparse
import json
from datetime import UTC, date, datetime, timedelta


def add_kafka(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which broker, and how to reach it."""
    parser.add_argument(
        "--bootstrap-servers",
        metavar="HOST:PORT,...",
        help="the brokers to ask first (default: from the file or DWELL_KAFKA_BOOTSTRAP_SERVERS)",
    )
    parser.add_argument(
        "--kafka-config",
        metavar="FILE",
        help="settings of librdkafka, a name=value a line: TLS, SASL and the rest; those of the "
        "environment go before it (DWELL_KAFKA_SASL_PASSWORD is sasl.password)",
    )


def add_topic(parser: argparse.ArgumentParser) -> None:
    """Add the topic of the heartbeats."""
    parser.add_argument("--topic", required=True, help="the topic of the heartbeats")


def add_landing(parser: argparse.ArgumentParser) -> None:
    """Add the folder of landing files."""
    parser.add_argument(
        "--landing", default="landing", metavar="FOLDER", help="where files land (default: landing)"
    )


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is read, and into where."""
    add_kafka(parser)
    add_topic(parser)
    add_landing(parser)
    parser.add_argument(
        "--every",
        type=seconds,
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


def add_keeping(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what stays."""
    parser.add_argument(
        "--keep-days",
        type=at_least(0),
        default=7.0,
        metavar="DAYS",
        help="remove landing files that are loaded after this; a full refresh, which could no "
        "longer read them, is then refused (default: 7)",
    )


def add_circuit_breaker(parser: argparse.ArgumentParser) -> None:
    """Add the options that say when publishing is suspended."""
    parser.add_argument(
        "--max-invalid-ratio",
        type=share,
        default=0.2,
        metavar="RATIO",
        help="publish nothing while more than this share of the messages received in a minute is "
        "invalid; 1 publishes always (default: 0.2)",
    )
    parser.add_argument(
        "--min-invalid-count",
        type=at_least(1, int),
        default=10,
        metavar="N",
        help="and at least so many of them (default: 10)",
    )
    parser.add_argument(
        "--accept-invalid",
        action="store_true",
        help="publish although messages are invalid, and what was withheld because of them; "
        "remembered for the messages that this process finds (default: withhold)",
    )


def add_vars(parser: argparse.ArgumentParser) -> None:
    """Add dbt's settings."""
    parser.add_argument(
        "--vars",
        metavar="YAML",
        help="settings, as make's VARS (default: VARS of the environment)",
    )


def add_lock_timeout(parser: argparse.ArgumentParser) -> None:
    """Add how long to wait for a database file that someone else has open."""
    parser.add_argument(
        "--lock-timeout",
        type=at_least(0),
        default=600.0,
        metavar="SECONDS",
        help="how long to wait while another program has a database file open, before this ends "
        "with code 1 and names it (default: 600)",
    )


def add_database(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the database file."""
    parser.add_argument(
        "--database",
        metavar="FILE",
        help=f"the DuckDB file {what} (default: DWELL_DATABASE, else dwell.duckdb)",
    )


# -- Kinds of values -------------------------------------------------------------------------


def seconds(text: str) -> float:
    """Return a time span that is not too short to be of use."""
    value = float(text)
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError("must be from 0.1 to 3600 seconds")
    return value


def at_least(least: float, kind=float):
    """Return a reader of numbers that are not below another."""

    def number(text: str):
        value = kind(text)
        if not value >= least:
            raise argparse.ArgumentTypeError(f"must be at least {least}")
        return value

    return number


def positive(text: str) -> float:
    """Return a number over 0."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be over 0")
    return value


def share(text: str) -> float:
    """Return a number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("must be a share, from 0 to 1")
    return value


def one_of(text: str) -> tuple[int, int]:
    """Return (1, 4) for 2/4: shares are numbered from 1 by people."""
    index, _, shares = text.partition("/")
    if not (index.isdigit() and shares.isdigit() and 1 <= int(index) <= int(shares)):
        raise argparse.ArgumentTypeError("must be as 1/4: the first of four shares")
    return int(index) - 1, int(shares)


def day(text: str) -> date:
    """Return a day, as in 2025-03-01."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no day, as in 2025-03-01") from None


def moment(text: str) -> int:
    """Return the moment that a text names, in milliseconds since 1970."""
    if text == "now":
        return int(datetime.now(UTC).timestamp()) * 1000
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


def ends(text: str) -> dict[int, int]:
    """Return {partition: offset} of JSON."""
    try:
        return {int(partition): int(end) for partition, end in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError):
        raise argparse.ArgumentTypeError(
            'must be as `dwell ends` prints it: {"0": 1200, "1": 1180}'
        ) from None
