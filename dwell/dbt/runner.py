"""dbt in this process: parsed once, run again and again."""

import os
import re
from pathlib import Path

import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from dwell.config import ROOT
from dwell.dbt.vars import as_vars

QUIET = ("--log-level", "none", "--no-print", "--no-write-json", "--no-version-check")


class Dbt:
    """The project of this checkout with settings and a database of its own.

    It is parsed once, with `settings`. A run may change the database, but not its file name, which
    compiled SQL knows as the catalog; and settings that no model asks for while it is parsed.
    """

    def __init__(self, database: Path, work: Path, settings: dict):
        self.database = database
        self.work = work
        self.settings = settings
        self._manifest = None

    def run(self, command: str, *arguments: str, **settings):
        """Run a dbt command, and return dbt's result, successful or not."""
        return self._invoke([command, *arguments], settings, as_parsed(self.manifest()))

    def setting(self, name: str):
        """Return what a setting is: as given, or by default."""
        defaults = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["dwell"]
        return (defaults | self.settings)[name]

    def manifest(self):
        """Return what dbt made of the project."""
        if self._manifest is None:
            parsed = self._invoke(["parse"], {})
            if not parsed.success:
                raise parsed.exception
            self._manifest = parsed.result
        return self._manifest

    def _invoke(self, arguments, settings, manifest=None):
        here = ("--target-path", str(self.work / "target"), "--log-path", str(self.work / "logs"))
        return invoke(
            [*QUIET, *arguments, *here], self.database, self.settings | settings, manifest=manifest
        )


def invoke(arguments: list[str], database: Path, settings: dict, **more):
    """Run dbt on this project, and return its result; `more` is what dbtRunner takes."""
    os.environ["DWELL_DATABASE"] = str(database)
    of_project = ("--project-dir", str(ROOT), "--profiles-dir", str(ROOT))
    try:
        return dbtRunner(**more).invoke([*arguments, *of_project, "--vars", as_vars(settings)])
    finally:
        release()


def as_parsed(manifest):
    """Return a manifest that has been run, as good as new."""
    for node in manifest.nodes.values():
        if node.resource_type == "model":
            # dbt keeps what an ephemeral model was compiled to with the manifest
            node.compiled = False
            node.extra_ctes_injected = False
            node.extra_ctes = []
    return manifest


def format_errors(result) -> str:
    """Return what dbt said of what went wrong."""
    said = [str(result.exception)] if result.exception else []
    said += [r.message or "" for r in getattr(result.result, "results", []) if r.status == "error"]
    return "\n".join(map(sentence, said))


def sentence(said: str) -> str:
    """Return dwell's own sentence, if it is one; dbt's log has the macros that led to it."""
    return re.sub(r"(?s)^.*?(dwell: .*?)(\n\s*> in macro .*)?$", r"\1", said).strip()


def release() -> None:
    """Close the database, which dbt's adapter would keep open until its next run."""
    with DuckDBConnectionManager._LOCK:
        environment, DuckDBConnectionManager._ENV = DuckDBConnectionManager._ENV, None
        if environment is not None:
            environment.close()
