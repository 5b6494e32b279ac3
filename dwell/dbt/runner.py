"""dbt in this process: parsed once, run again and again."""

import os
import re
from pathlib import Path
from typing import Any

import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult

from dwell.config import ROOT
from dwell.dbt.vars import Settings, as_vars

QUIET = ("--log-level", "none", "--no-print", "--no-write-json", "--no-version-check")


class Dbt:
    """The project of this checkout with settings and a database of its own.

    It is parsed once, with `settings`. A run may change the database, but not its file name, which
    compiled SQL uses as the catalog; and settings that no model reads while it is parsed.
    """

    def __init__(self, database: Path, work: Path, settings: Settings) -> None:
        self.database = database
        self.work = work
        self.settings = settings
        self._manifest: Any = None

    def run(self, command: str, *arguments: str, **settings: Any) -> Any:
        """Run a dbt command, and return dbt's result, successful or not."""
        return self._invoke([command, *arguments], settings, as_parsed(self.manifest()))

    def setting(self, name: str) -> Any:
        """Return the value of a setting: as given, or its default."""
        defaults = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["dwell"]
        return (defaults | self.settings)[name]

    def manifest(self) -> Any:
        """Parse the project, if this has not been done, and return dbt's manifest."""
        if self._manifest is None:
            parsed = self._invoke(["parse"], {})
            if not parsed.success:
                assert parsed.exception is not None
                raise parsed.exception
            self._manifest = parsed.result
        return self._manifest

    def _invoke(
        self, arguments: list[str], settings: Settings, manifest: Any = None
    ) -> dbtRunnerResult:
        paths = ("--target-path", str(self.work / "target"), "--log-path", str(self.work / "logs"))
        return invoke(
            [*QUIET, *arguments, *paths], self.database, self.settings | settings, manifest=manifest
        )


def invoke(
    arguments: list[str], database: Path, settings: Settings, **options: Any
) -> dbtRunnerResult:
    """Run dbt on this project, and return its result; dbtRunner takes the `options`."""
    os.environ["DWELL_DATABASE"] = str(database)
    folders = ("--project-dir", str(ROOT), "--profiles-dir", str(ROOT))
    try:
        return dbtRunner(**options).invoke([*arguments, *folders, "--vars", as_vars(settings)])
    finally:
        release()


def as_parsed(manifest: Any) -> Any:
    """Reset a manifest that was run to its state after parsing, and return it."""
    for node in manifest.nodes.values():
        if node.resource_type == "model":
            # dbt stores in the manifest what an ephemeral model was compiled to
            node.compiled = False
            node.extra_ctes_injected = False
            node.extra_ctes = []
    return manifest


def format_errors(result: Any) -> str:
    """Return dbt's errors, one per line."""
    messages = [str(result.exception)] if result.exception else []
    messages += [
        r.message or "" for r in getattr(result.result, "results", []) if r.status == "error"
    ]
    return "\n".join(map(extract_sentence, messages))


def extract_sentence(message: str) -> str:
    """Return dwell's own sentence in a message of dbt, without the macros that led to it."""
    return re.sub(r"(?s)^.*?(dwell: .*?)(\n\s*> in macro .*)?$", r"\1", message).strip()


def release() -> None:
    """Close the database, which dbt's adapter would keep open until its next run."""
    with DuckDBConnectionManager._LOCK:
        environment, DuckDBConnectionManager._ENV = DuckDBConnectionManager._ENV, None
        if environment is not None:
            environment.close()  # type: ignore[no-untyped-call]
