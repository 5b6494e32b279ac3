"""`python -m dwell`: what make needs beside dbt."""

import argparse
import sys

from dwell import answers, settings


def main() -> int:
    """Run one command and return its exit code: 0 done, 1 could not, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="dwell", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("answers", help="print the four answers")
    commands.add_parser("vars", help="print EVENTS and VARS of the environment as dbt's --vars")
    chosen = parser.parse_args().command
    return {"answers": answers.main, "vars": settings.main}[chosen]()


if __name__ == "__main__":
    sys.exit(main())
