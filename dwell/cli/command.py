"""What every command does before and after its own work: permissions, logs, errors, exit codes."""

import os
import signal
import sys
from importlib import import_module
from typing import Any

import click

from dwell.exceptions import DwellError, UsageError
from dwell.runtime import log, permissions
from dwell.runtime.terminal import print_error

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


class Command(click.Command):
    """A command whose callback returns an exit code, None for 0, or raises a DwellError."""

    # whether it logs, in JSON where stderr is no terminal, instead of printing
    logs = False

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the sentence that describes the command, which help wraps instead of cutting."""
        return (self.help or "").strip()

    def invoke(self, ctx: click.Context) -> int:
        """Run the command, and return its exit code."""
        try:
            permissions.set_up(ctx.params)
            if self.logs:
                log.set_up()
            if "lock_timeout" in ctx.params:
                database_lock = import_module("dwell.runtime.database_lock")
                database_lock.Waiting.timeout_seconds = ctx.params.pop("lock_timeout")
            code = super().invoke(ctx)
            sys.stdout.flush()
            return code or 0
        except DwellError as error:
            self.report(error, *error.lines)
            return error.exit_code
        except BrokenPipeError:
            # Python would try once more when it ends, and print an error
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in EXTRAS:
                raise
            print(f"dwell {self.name} needs {error.name}: {EXTRAS[package]}", file=sys.stderr)
            return UsageError.exit_code
        except Exception as error:
            if not is_explained(error):
                raise
            self.report(error)
            return DwellError.exit_code

    def report(self, error: object, *lines: str) -> None:
        """Log or print an error."""
        if self.logs:
            log.error("\n".join([str(error), *lines]))
        else:
            print_error(error, *lines)


class LoggingCommand(Command):
    """A command that logs what it does."""

    logs = True


def is_explained(error: Exception) -> bool:
    """Whether an error of a library has a message that a user can act on."""
    if isinstance(error, OSError):
        return True
    duckdb: Any = sys.modules.get("duckdb")
    return duckdb is not None and isinstance(error, duckdb.Error)
