"""`dwell build`: builds and tests a copy of the database, and replaces the database if all passes.

docs/adr/0019-write-audit-publish.md explains why.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from dwell import config
from dwell.build.compressed_files import validate_compressed_files
from dwell.build.write_audit_publish import working_copy
from dwell.config import ROOT
from dwell.dbt.runner import extract_sentence, invoke
from dwell.dbt.vars import Settings, read_settings
from dwell.exceptions import BuildError, BuildFailedError, InterruptedBuildError, UsageError
from dwell.report.formatting import counted
from dwell.runtime.progress import Progress
from dwell.runtime.terminal import escape

INTERRUPTED, TERMINATED = 130, 143
# dbt's log has everything; Progress prints what concerns a user
QUIET = ("--log-level", "none", "--log-level-file", "debug", "--no-use-colors")


def build_database(
    *,
    events: Sequence[str] | None,
    settings: str | None,
    database: str | None,
    full_refresh: bool,
    select: Sequence[str],
    exclude: Sequence[str],
    selector: str | None,
    target: str | None,
) -> None:
    """Build and test a copy of the database, and replace the database if every test passes."""
    dbt_vars = read_settings(events, settings)
    options = dbt_options(full_refresh, select, exclude, selector, target)
    path = Path(config.database(database))
    validate_compressed_files(dbt_vars, path)
    name = escape(relative_path(path))
    print(
        f"== building a copy of {name}: loads, transforms, and tests "
        f"(details: {escape(relative_path(log_path()))})",
        flush=True,
    )
    with (
        explained_interruptions(path),
        sigterm_as_interrupt(),
        working_copy(path) as copy,
        Progress(sys.stderr) as progress,
    ):
        build_copy(copy, path, dbt_vars, options, progress)
    steps = counted(progress.total, "step")
    print(f"== built {name}: {steps} in {progress.seconds:.0f} s", flush=True)


class Terminated(KeyboardInterrupt):
    """SIGTERM, as systemd and Docker send it."""


@contextlib.contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM interrupt the body as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def explained_interruptions(database: Path) -> Iterator[None]:
    """Add to what interrupts the body that the database has not changed."""
    try:
        yield
    except OSError as error:
        raise BuildError(f"{error}; {describe_unchanged(database)}") from error
    except KeyboardInterrupt as interrupt:
        code = TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED
        raise InterruptedBuildError(
            f"interrupted; {describe_unchanged(database)}", code
        ) from interrupt


def build_copy(
    copy: Path, database: Path, settings: Settings, options: list[str], progress: Progress
) -> None:
    """Build and test a copy with dbt."""
    result: Any = invoke([*QUIET, "build", *options], copy, settings, callbacks=[progress.handle])
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception
    if result.exception is not None:
        # nothing was built: the settings are wrong, or an option of dbt is
        # dbt's own errors have several lines
        sentence = extract_sentence(str(result.exception)).removeprefix("dwell: ")
        raise BuildError(*sentence.splitlines(), describe_unchanged(database))
    if not result.result.results:
        raise BuildError(
            "--select, --exclude, and --selector select nothing: check their names; "
            f"{describe_unchanged(database)}"
        )
    for node_result in result.result.results:
        if node_result.status in ("error", "fail", "warn"):
            progress.print_lines(describe_failure(node_result))
    if not result.success:
        raise BuildFailedError(
            f"the build failed; {describe_unchanged(database)}. The copy is {relative_path(copy)}, "
            f"until the next build; dbt's log is {relative_path(log_path())}"
        )


def describe_failure(result: Any) -> str:
    """Return a sentence on a model or test that failed or warns, and where its SQL is."""
    mark = "warning: " if result.status == "warn" else ""
    sql = getattr(result.node, "compiled_path", None)
    return (
        f"dwell: {mark}{result.node.resource_type.replace('_', ' ')} {result.node.name}: "
        f"{extract_sentence(result.message or result.status)}" + (f" ({sql})" if sql else "")
    )


def dbt_options(
    full_refresh: bool,
    select: Sequence[str],
    exclude: Sequence[str],
    selector: str | None,
    target: str | None,
) -> list[str]:
    """Return the options of dbt build."""
    options = ["--target", choose_target(target)]
    if full_refresh:
        options.append("--full-refresh")
    if select:
        options += ["--select", *select]
    if exclude:
        options += ["--exclude", *exclude]
    if selector:
        options += ["--selector", selector]
    return options


def choose_target(name: str | None) -> str:
    """Return the name of a target that is one DuckDB file, the one that DWELL_DATABASE names."""
    profile = yaml.safe_load((ROOT / "profiles.yml").read_text(encoding="utf-8"))["dwell"]
    target = str(name or os.environ.get("DBT_TARGET") or profile["target"])
    targets = profile["outputs"]
    if target not in targets:
        raise UsageError(f"profiles.yml has no target {target}; it has {', '.join(targets)}")
    if "DWELL_DATABASE" not in str(targets[target].get("path")):
        raise UsageError(
            f"target {target} is not one DuckDB file, which dwell build could replace: "
            f"build it with dbt build --target {target}"
        )
    return target


def log_path() -> Path:
    """Return the path of dbt's log."""
    return ROOT / os.environ.get("DBT_LOG_PATH", "logs") / "dbt.log"


def describe_unchanged(database: Path) -> str:
    """Return a clause that states that a database has not changed."""
    name = relative_path(database)
    return f"{name} has not changed" if database.exists() else f"{name} does not exist yet"


def relative_path(path: Path) -> str:
    """Return a path relative to the current folder, if it is inside."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
