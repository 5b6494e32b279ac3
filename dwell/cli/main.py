"""`dwell`, or `python -m dwell`: the group of all commands."""

import sys

import click

from dwell.cli import build, completion, sample, streaming, warehouses
from dwell.exceptions import UsageError
from dwell.runtime.terminal import escape, print_traceback

EXIT_CODES = """\
\b
Exit codes:
  0    done
  1    failed, or, of a command that compares, a difference; stderr has the reason
  2    wrong usage: options, settings, or packages that are not installed
  3    dwell validate: nothing has landed yet
  130  interrupted by Ctrl-C
  141  the process that reads the output has closed it
  143  dwell build: interrupted by SIGTERM

DWELL_DATABASE names the database file (default: dwell.duckdb). docs/reference/cli.md describes
each command and lists all variables of the environment.
"""


class Group(click.Group):
    """The commands, listed in the order in which they are added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names."""
        return list(self.commands)


@click.group(
    cls=Group,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(package_name="dwell")
def dwell() -> None:
    """Find sessions in events, and watch streams in heartbeats: the commands around dbt."""


for command in (
    build.build,
    build.answers,
    build.report,
    build.vars,
    build.docs,
    sample.simulate,
    streaming.ingest,
    streaming.listen,
    streaming.validate,
    warehouses.load,
    streaming.end_offsets,
    streaming.reconcile,
    streaming.compact,
    completion.completion,
):
    dwell.add_command(command)


def main(arguments: list[str] | None = None) -> int:
    """Run the command of sys.argv, or of arguments, and return its exit code."""
    sys.excepthook = print_traceback
    try:
        return dwell.main(arguments, prog_name="dwell", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return UsageError.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "dwell"
        sentence = escape(error.format_message().rstrip("."))
        print(f"{path}: {sentence}; --help lists the options", file=sys.stderr)
        return UsageError.exit_code
    except click.Abort:
        return 130
