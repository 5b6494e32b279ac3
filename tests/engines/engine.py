"""What a test asks of an engine: to take rows, to run dbt, to give a mart's rows."""

import contextlib
import json
import os
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from dbt.cli.main import dbtRunner
from support.project import parsed_alike

from dwell.config import ROOT
from dwell.dbt.runner import QUIET, as_parsed, format_errors, release

__all__ = ["ENGINES", "ROOT", "Engine", "engines", "plain", "variables"]

# each is a fixture; DuckDB is the one with which they are compared
ENGINES = ("ducklake", "postgres", "spark", "snowflake", "bigquery")


def engines(*names, long=()):
    """Return the engines of a test; of those in `long`, `make test-engines-long` runs it."""
    return [pytest.param(name, marks=pytest.mark.long if name in long else ()) for name in names]


class Engine:
    """An engine that runs, with a schema for models and one for input, which each test empties.

    Their names stay, so that dbt parses a project once for all tests. `environment` is what
    profiles.yml and the engine's own client read.
    """

    target = None
    schema, raw = "dwell_tests", "raw_tests"
    # how it ends a time as text, where the time is of its own type
    zone_in_text = ""

    def __init__(self, folder, environment=None):
        self.folder = folder
        self.environment = environment or {}
        # where dbt writes what it compiles, and its log
        self.work = folder
        # {(project, settings): what dbt made of them}
        self.manifests = {}
        # called with each of dbt's events
        self.listen = None

    def begin(self, name):
        """Go on with schemas in which there is nothing."""
        self.work = self.folder / name
        for schema in (self.schema, self.raw):
            self.drop_schema(schema)
        self.create_schema(self.raw)

    def create_schema(self, schema):
        self.execute(f"create schema {schema}")

    def drop_schema(self, schema):
        self.execute(f"drop schema if exists {schema} cascade")

    def execute(self, sql):
        """Run a statement, as the engine's own client does."""
        raise NotImplementedError

    def query(self, sql):
        """Return (names of columns, rows), as the engine's own client gives them."""
        raise NotImplementedError

    def load(self, table, rows):
        """Put the rows of an Arrow table into a table of the raw schema; make it if need be."""
        raise NotImplementedError

    def name(self, mart):
        """Return how a mart is called in SQL."""
        return f"{self.schema}.{mart}"

    def rows(self, mart):
        """Return (names of columns, rows) of a mart, as Python's own values."""
        columns, rows = self.query(f"select * from {self.name(mart)}")
        return [c.lower() for c in columns], [tuple(plain(v) for v in row) for row in rows]

    def dbt(self, command, *arguments, project=ROOT, fails=False, **settings):
        """Run a dbt command, which must succeed, or must fail; return its errors."""
        result = self.invoke(self.parsed(project, settings), command, arguments, project, settings)
        errors = format_errors(result)
        failed = [
            f"{r.node.name}: {r.message}"
            for r in getattr(result.result, "results", [])
            if r.status == "fail"
        ]
        assert result.success != fails, errors or failed or "it should have failed"
        return errors

    def parsed(self, project, settings):
        """Return what dbt makes of a project with settings; it is parsed once for those alike."""
        of = project, parsed_alike(settings)
        if of not in self.manifests:
            result = self.invoke(None, "parse", (), project, settings)
            assert result.success, format_errors(result)
            self.manifests[of] = result.result
        return as_parsed(self.manifests[of])

    def invoke(self, manifest, command, arguments, project, settings):
        runner = dbtRunner(manifest, [self.listen] if self.listen else [])
        with variables(self.environment | {"DWELL_SCHEMA": self.schema}):
            try:
                return runner.invoke(
                    [
                        *QUIET,
                        command,
                        *arguments,
                        *("--target", self.target),
                        *("--project-dir", str(project), "--profiles-dir", str(project)),
                        *("--target-path", str(self.work / f"target_{project.name}")),
                        *("--log-path", str(self.work / "logs")),
                        *("--vars", json.dumps(settings)),
                    ]
                )
            finally:
                release()


@contextlib.contextmanager
def variables(values):
    """Set variables of the environment for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def plain(value):
    """Return a value as Python's own: times as UTC without a zone, decimals as int or float."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
