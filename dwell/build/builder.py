"""`dwell build`: builds beside the database, tests, and puts the new file in place if all is well.

docs/adr/0019-write-audit-publish.md says why.
"""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from dwell import config
from dwell.build import compressed_files
from dwell.build.write_audit_publish import working_copy
from dwell.config import ROOT
from dwell.dbt import vars as dbt_vars
from dwell.dbt.runner import invoke, sentence
from dwell.exceptions import BuildError, BuildFailedError, CorruptFileError
from dwell.report import answers
from dwell.runtime.progress import Progress
from dwell.runtime.terminal import escape, print_error

INTERRUPTED, TERMINATED = 130, 143
# dbt's log has everything; what people should see comes by way of Progress
QUIET = ("--log-level", "none", "--log-level-file", "debug", "--no-use-colors")


def main(arguments: argparse.Namespace) -> int:
    """Build. 0: built; 1: could not, and the database is as it was; 2: wrong usage.

    130, 143: asked to end by Ctrl-C, by SIGTERM; the database is as it was.
    """
    try:
        named = dbt_vars.given(arguments.events, arguments.vars)
        options = options_of(arguments)
    except ValueError as error:
        print_error(error)
        return 2
    database = Path(config.database(arguments.database))
    try:
        compressed_files.check(named, database)
    except CorruptFileError as error:
        print_error(error)
        return 1
    name = escape(shown(database))
    print(
        f"== building {name} beside itself: loads, makes the tables, tests them "
        f"(details: {escape(shown(log()))})",
        flush=True,
    )
    try:
        with terminated_too(), working_copy(database) as copy, Progress(sys.stderr) as progress:
            build(copy, database, named, options, progress)
    except (BuildError, BuildFailedError) as error:
        print_error(*error.args)
    except OSError as error:
        print_error(f"{error}; {as_it_was(database)}")
    except KeyboardInterrupt as interrupt:
        print_error(f"interrupted; {as_it_was(database)}")
        return TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED
    else:
        steps = answers.counted(progress.total, "step")
        print(f"== built {name}: {steps} in {progress.seconds:.0f} s", flush=True)
        return 0
    return 1


class Terminated(KeyboardInterrupt):
    """SIGTERM, as systemd and Docker send it."""


@contextlib.contextmanager
def terminated_too() -> Iterator[None]:
    """Have SIGTERM end what goes on as Ctrl-C does."""

    def end(*_):
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def build(copy: Path, database: Path, named: dict, options: list[str], progress: Progress) -> None:
    """Build and test with dbt on a copy."""
    result = invoke([*QUIET, "build", *options], copy, named, callbacks=[progress.handle])
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception
    if result.exception is not None:
        # nothing was built: the settings are wrong, or dbt was called wrongly
        # dbt's own errors have several lines
        said = sentence(str(result.exception)).removeprefix("dwell: ")
        raise BuildError(*said.splitlines(), as_it_was(database))
    if not result.result.results:
        raise BuildError(
            f"nothing is called what --select, --exclude or --selector say; {as_it_was(database)}"
        )
    for one in result.result.results:
        if one.status in ("error", "fail", "warn"):
            progress.print_lines(what_went_wrong(one))
    if not result.success:
        raise BuildFailedError(
            f"the build failed; {as_it_was(database)}. What was built is in {shown(copy)}, until "
            f"the next build; dbt's log is {shown(log())}"
        )


def what_went_wrong(one) -> str:
    """Return a sentence on a model or test that failed or warns, and where its SQL is."""
    mark = "warning: " if one.status == "warn" else ""
    sql = getattr(one.node, "compiled_path", None)
    return (
        f"dwell: {mark}{one.node.resource_type.replace('_', ' ')} {one.node.name}: "
        f"{sentence(one.message or one.status)}" + (f" ({sql})" if sql else "")
    )


def options_of(arguments: argparse.Namespace) -> list[str]:
    """Return the options of dbt build."""
    options = ["--target", target_of(arguments.target)]
    if arguments.full_refresh:
        options.append("--full-refresh")
    for name in ("select", "exclude"):
        if nodes := getattr(arguments, name):
            options += [f"--{name}", *nodes]
    if arguments.selector:
        options += ["--selector", arguments.selector]
    return options


def target_of(name: str | None) -> str:
    """Return the name of a target that is one DuckDB file, the one that DWELL_DATABASE names."""
    profile = yaml.safe_load((ROOT / "profiles.yml").read_text(encoding="utf-8"))["dwell"]
    name = name or os.environ.get("DBT_TARGET") or profile["target"]
    if name not in profile["outputs"]:
        raise ValueError(f"profiles.yml has no target {name}: {', '.join(profile['outputs'])}")
    if "DWELL_DATABASE" not in str(profile["outputs"][name].get("path")):
        raise ValueError(
            f"target {name} is not one DuckDB file, which another could take the place of: "
            f"build it with dbt build --target {name}"
        )
    return name


def log() -> Path:
    """Return where dbt writes its log."""
    return ROOT / os.environ.get("DBT_LOG_PATH", "logs") / "dbt.log"


def as_it_was(database: Path) -> str:
    """Say that a database has not changed."""
    name = shown(database)
    return f"{name} is as it was" if database.exists() else f"there is no {name} yet"


def shown(path: Path) -> str:
    """Return a path as one would write it from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
