"""Options that several commands have, and kinds of numbers for them."""

import argparse


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
