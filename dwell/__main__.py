"""`python -m dwell`: what make needs beside dbt, a simulation of heartbeats, and the listener."""

import argparse
import sys
from importlib import import_module

# {command: (its module, what it does)}
COMMANDS = {
    "answers": ("answers", "print the four answers"),
    "vars": ("settings", "print EVENTS and VARS of the environment as dbt's --vars"),
    "report": ("report", "write the answers and their charts as one HTML page"),
    "docs": ("docs", "put the pictures into the documentation that make docs writes"),
    "simulate": ("simulate", "write heartbeats of viewers, and the true streams"),
    "ingest": ("ingest", "land a Kafka topic's heartbeats as files"),
    "watch": ("watch", "land heartbeats, make streams of them, publish those that end; and again"),
    "check": ("check", "hold messages that have landed, and are not loaded, against their schema"),
    "load": ("load", "bring ended streams into a table of a warehouse"),
    "ends": ("ends", "print where a Kafka topic ends now"),
    "reconcile": ("reconcile", "account for each offset: Kafka, landed, loaded, streams, table"),
    "tidy": ("tidy", "put landing files that are loaded together, and remove old ones"),
}
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
        self.exit(2, f"{self.prog}: {message}; --help tells the options\n")


def main() -> int:
    """Run one command and return its exit code: 0 done, 1 could not, 2 wrong usage."""
    try:
        return run()
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        print(f"dwell {sys.argv[1]} needs {error.name}: {EXTRAS[package]}", file=sys.stderr)
        return 2


def run() -> int:
    """Run the command that is asked for."""
    parser = Parser(prog="dwell", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    module = None
    for name, (place, does) in COMMANDS.items():
        command = commands.add_parser(name, help=does)
        if sys.argv[1:2] == [name]:
            # only what is asked for is imported: Kafka's client need not be there for the rest
            module = import_module(f"dwell.{place}")
            if hasattr(module, "add_options"):
                module.add_options(command)
    arguments = parser.parse_args()
    return module.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
