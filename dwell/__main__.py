"""`python -m dwell`: what make needs beside dbt, and a simulation of heartbeats."""

import argparse
import sys

from dwell import answers, settings, simulate


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, which a page of options would bury."""

    def error(self, message):
        """Say it, and leave."""
        self.exit(2, f"{self.prog}: {message}; --help tells the options\n")


def main() -> int:
    """Run one command and return its exit code: 0 done, 1 could not, 2 wrong usage."""
    parser = Parser(prog="dwell", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("answers", help="print the four answers")
    commands.add_parser("vars", help="print EVENTS and VARS of the environment as dbt's --vars")
    simulate.add_options(
        commands.add_parser("simulate", help="write heartbeats of viewers, and the true streams")
    )
    arguments = parser.parse_args()
    if arguments.command == "simulate":
        return simulate.main(arguments)
    return {"answers": answers.main, "vars": settings.main}[arguments.command]()


if __name__ == "__main__":
    sys.exit(main())
