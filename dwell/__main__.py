"""`dwell`, or `python -m dwell`: one command."""

import argparse
import os
import signal
import sys
from importlib import import_module

from dwell.cli.commands import COMMANDS
from dwell.runtime import permissions
from dwell.runtime.terminal import escape, print_error, print_traceback

DESCRIPTION = "Sessions from events, watch streams from heartbeats: what stands beside dbt."
CODES = """\
exit codes:
  0    done
  1    could not, or, of a command that compares, something differs; stderr says what
  2    wrong usage: options, settings, or packages that are not installed
  3    dwell check: nothing has landed yet
  130  ended by Ctrl-C
  141  nobody reads what it prints any more
  143  dwell build: ended by SIGTERM

DWELL_DATABASE names the database file (default: dwell.duckdb). docs/reference/cli.md has each,
and what else is read from the environment.
"""
# {package: what installs it}
EXTRAS = {
    "altair": "make report",
    "vl_convert": "make report",
    "confluent_kafka": "make kafka",
    "pyarrow": "make kafka",
    "google": "make warehouses",
    "psycopg": "make warehouses",
    "redshift_connector": "make warehouses",
    "snowflake": "make warehouses",
}


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, which a page of options would bury."""

    def error(self, message):
        """Say it, and leave."""
        self.exit(2, f"{self.prog}: {escape(message)}; --help tells the options\n")


def make_parser() -> Parser:
    """Return the parser of every command."""
    parser = Parser(
        prog="dwell",
        description=DESCRIPTION,
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name, command in COMMANDS.items():
        does = command.does
        command.add_options(
            commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
        )
    return parser


def main() -> int:
    """Run one command and return its exit code."""
    sys.excepthook = print_traceback
    arguments = make_parser().parse_args()
    try:
        permissions.set_up(arguments)
    except (OSError, ValueError) as error:
        print_error(error)
        return 2 if isinstance(error, ValueError) else 1
    try:
        if hasattr(arguments, "lock_timeout"):
            import_module(
                "dwell.runtime.database_lock"
            ).Waiting.timeout_seconds = arguments.lock_timeout
        # only what is asked for is imported: Kafka's client need not be there for the rest
        code = import_module(f"dwell.{COMMANDS[arguments.command].module}").main(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # else Python would try once more while it ends, and say so
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        print(f"dwell {arguments.command} needs {error.name}: {EXTRAS[package]}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
