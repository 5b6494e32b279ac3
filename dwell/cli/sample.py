"""The command that simulates heartbeats."""

from typing import Any

import click

from dwell.cli import options
from dwell.cli.command import Command
from dwell.sample.heartbeats import write_time
from dwell.sample.plan import Plan
from dwell.sample.viewers import PEAK

DEFAULT = Plan()


def planned(name: str, kind: Any, metavar: str, text: str) -> options.Decorator:
    """Return the option for a field of the plan, with its default."""
    return click.option(
        f"--{name}",
        type=kind,
        default=getattr(DEFAULT, name.replace("-", "_")),
        show_default=True,
        metavar=metavar,
        help=text,
    )


@click.command(cls=Command)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(("jsonl", "csv")),
    default="jsonl",
    show_default=True,
    help="jsonl: one payload per line, in the order of arrival, and for an empty payload an empty "
    "line, which is no row; csv: the six fields and received_at, without the messages that no CSV "
    "can show.",
)
@click.option(
    "--output",
    type=click.Path(allow_dash=True),
    default="-",
    show_default=True,
    metavar="FILE",
    help="Where to write; - is stdout.",
)
@click.option(
    "--topic",
    help="Send them to this Kafka topic, each with its time of receipt, instead of writing a file "
    "(needs make kafka).",
)
@click.option(
    "--partitions",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    metavar="N",
    help="Partitions of the topic, which is created if it does not exist.",
)
@options.kafka
@click.option(
    "--rate", type=options.Positive(), metavar="N", help="Send at most N messages per second."
)
@click.option(
    "--speed",
    type=options.Positive(),
    metavar="N",
    help="Send them as they happen, N simulated seconds per second (default: at once).",
)
@click.option(
    "--truth", type=options.FILE, metavar="FILE", help="Where to write the true streams, as CSV."
)
@planned("seed", int, "N", "The same options and seed give the same bytes.")
@planned("viewers", int, "N", "Number of viewers, in addition to those of the edge cases.")
@planned("programs", int, "N", "Number of programs to choose from.")
@planned("minutes", int, "N", "Simulated minutes; late heartbeats arrive after them.")
@click.option(
    "--start",
    type=options.Moment(),
    default=DEFAULT.start,
    metavar="TIME",
    help="Start time: now, or ISO 8601, UTC without a zone; its hour decides how busy it is "
    f"(default: {write_time(DEFAULT.start)}, a busy evening).",
)
@click.option(
    "--peak",
    is_flag=True,
    help=f"Start at a peak: half of the viewers arrive in the first {PEAK} minutes.",
)
@planned("pause", float, "SHARE", "Share of viewings with pauses, short or long.")
@planned("late", float, "SHARE", "Share of viewings with heartbeats that arrive late.")
@planned("double", float, "SHARE", "Share of heartbeats that are sent twice.")
@planned("broken", float, "SHARE", "Malformed messages, as a share of heartbeats.")
@planned("wrong-clocks", int, "N", "Viewers whose time is years ahead.")
def simulate(**arguments: Any) -> None:
    """Write the heartbeats of simulated viewers, and the true streams."""
    from dwell.sample.simulate import simulate_heartbeats

    plan = Plan(**{name: arguments.pop(name) for name in Plan.__dataclass_fields__})
    simulate_heartbeats(plan, **arguments)
