"""Options that several commands have, and types of their values."""

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click

FILE = click.Path(dir_okay=False)
FOLDER = click.Path(file_okay=False)
WAREHOUSES = ("postgres", "bigquery", "snowflake", "redshift")

Decorator = Callable[[Any], Any]


def together(*decorators: Decorator) -> Decorator:
    """Return one decorator that adds several options, in their order."""

    def add(command: Any) -> Any:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return add


class ManyValues(click.Option):
    """An option that takes all values up to the next option: --select a b."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **(named | {"multiple": True}))

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Have the option take the arguments that follow it."""
        super().add_to_parser(parser, ctx)
        for name in self.opts:
            option = parser._long_opt[name]
            process = option.process

            def process_all(value: str, state: Any, process: Any = process) -> None:
                process(value, state)
                while state.rargs and not state.rargs[0].startswith("-"):
                    process(state.rargs.pop(0), state)

            option.process = process_all


# -- Types of values ---------------------------------------------------------------------------


class Number(click.FloatRange):
    """A number in a range; click itself takes nan for one of any range."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Return the number."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail("nan is not a number", param, ctx)
        return number


class Positive(click.ParamType[float]):
    """A number over 0."""

    name = "number"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Return the number."""
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)
        if not number > 0:
            self.fail("must be over 0", param, ctx)
        return number


class ShareOfPartitions(click.ParamType[tuple[int, int]]):
    """(1, 4) for 2/4: users count shares from 1."""

    name = "share"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        """Return the index of the share, from 0, and the number of shares."""
        if isinstance(value, tuple):
            return value
        index, _, shares = value.partition("/")
        if not (index.isdigit() and shares.isdigit() and 1 <= int(index) <= int(shares)):
            self.fail("must be as 1/4: the first of four shares", param, ctx)
        return int(index) - 1, int(shares)


class Day(click.ParamType[date]):
    """A day, as in 2025-03-01."""

    name = "day"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:
        """Return the day."""
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value} is not a day, as in 2025-03-01", param, ctx)


class Moment(click.ParamType[int]):
    """A time, in milliseconds since 1970."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Return the milliseconds."""
        if isinstance(value, int):
            return value
        if value == "now":
            return int(datetime.now(UTC).timestamp()) * 1000
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            at = None
        if at is None or not 2000 <= at.year < 3000:
            self.fail(
                f"must be a time since 2000, such as 2025-03-12T19:00:00Z, not {value!r}",
                param,
                ctx,
            )
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


class EndOffsets(click.ParamType[dict[int, int]]):
    """{partition: offset} of JSON."""

    name = "json"

    def convert(self, value: Any, param: Any, ctx: Any) -> dict[int, int]:
        """Return the end offsets."""
        try:
            return {int(partition): int(end) for partition, end in json.loads(value).items()}
        except (ValueError, TypeError, AttributeError):
            self.fail(
                'must be as `dwell end-offsets` prints it: {"0": 1200, "1": 1180}', param, ctx
            )


RATIO = Number(0, 1)

# -- Options -----------------------------------------------------------------------------------

kafka = together(
    click.option(
        "--bootstrap-servers",
        metavar="HOST:PORT,...",
        help="The brokers to ask first (default: from the file or DWELL_KAFKA_BOOTSTRAP_SERVERS).",
    ),
    click.option(
        "--kafka-config",
        type=FILE,
        metavar="FILE",
        help="Settings of librdkafka, one name=value per line: TLS, SASL, and the rest. Variables "
        "of the environment override them (DWELL_KAFKA_SASL_PASSWORD is sasl.password).",
    ),
)
topic = click.option("--topic", required=True, help="The topic of the heartbeats.")
landing = click.option(
    "--landing",
    type=FOLDER,
    default="landing",
    show_default=True,
    metavar="FOLDER",
    help="Where files land.",
)
consuming = together(
    kafka,
    topic,
    landing,
    click.option(
        "--every",
        type=Number(0.1, 3600),
        default=5.0,
        show_default=True,
        metavar="SECONDS",
        help="How often a file lands.",
    ),
    click.option(
        "--until-end",
        is_flag=True,
        help="End once everything that the topic had at the start is read (default: continue).",
    ),
    click.option(
        "--accept-loss",
        is_flag=True,
        help="Continue where Kafka has removed messages before they landed (default: stop and "
        "report them).",
    ),
)
keep_days = click.option(
    "--keep-days",
    type=Number(0),
    default=7.0,
    show_default=True,
    metavar="DAYS",
    help="Remove landing files that are loaded after this time. A full refresh, which can no "
    "longer read them, is then refused.",
)
circuit_breaker = together(
    click.option(
        "--max-invalid-ratio",
        type=RATIO,
        default=0.2,
        show_default=True,
        metavar="RATIO",
        help="Publish nothing while more than this share of the messages received in a minute is "
        "invalid; 1 always publishes.",
    ),
    click.option(
        "--min-invalid-count",
        type=click.IntRange(1),
        default=10,
        show_default=True,
        metavar="N",
        help="Ignore minutes with fewer invalid messages than this.",
    ),
    click.option(
        "--accept-invalid",
        is_flag=True,
        help="Publish although messages are invalid, and publish what was withheld because of "
        "them; remembered for the messages that this process finds (default: withhold).",
    ),
)
settings = click.option(
    "--vars",
    "settings",
    metavar="YAML",
    help="Settings, as in make's VARS (default: VARS of the environment).",
)
lock_timeout = click.option(
    "--lock-timeout",
    type=Number(0),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to retry while another program has a database file open. Then the command ends "
    "with code 1 and names the program.",
)
shard = click.option(
    "--shard",
    default="main",
    show_default=True,
    metavar="NAME",
    help="Where several databases load into one table, the name of this one's rows.",
)


def database(what: str) -> Decorator:
    """Return the option that names the database file."""
    return click.option(
        "--database",
        type=FILE,
        metavar="FILE",
        help=f"The DuckDB file {what} (default: DWELL_DATABASE, else dwell.duckdb).",
    )
