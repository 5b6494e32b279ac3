"""A dbt project of someone else's that uses dwell: a copy of one in integration_tests."""

import os
import shutil
from pathlib import Path

import duckdb
import yaml
from dbt.cli.main import dbtRunner
from support.project import ROOT, release

from dwell.dbt.runner import QUIET, format_errors


class Parent:
    """The copy, with a database of its own."""

    def __init__(self, name: str, folder: Path):
        self.name = name
        self.folder = folder / name
        self.database = folder / f"{name}.duckdb"
        shutil.copytree(
            ROOT / "integration_tests" / name,
            self.folder,
            ignore=shutil.ignore_patterns("dbt_packages", "target", "logs", "*.duckdb"),
        )
        (self.folder / "packages.yml").write_text(yaml.dump({"packages": [{"local": str(ROOT)}]}))
        self.run("deps")

    def run(self, command, *arguments, fails=False):
        """Run a dbt command; return its result, or, if it must fail, its errors."""
        os.environ[f"{self.name.upper()}_DATABASE"] = str(self.database)
        folder = str(self.folder)
        try:
            result = dbtRunner().invoke(
                [*QUIET, command, *arguments, "--project-dir", folder, "--profiles-dir", folder]
            )
        finally:
            release()
        errors = format_errors(result)
        assert result.success != fails, errors or "it should have failed"
        return errors if fails else result.result

    def sql(self, statement, rows=None):
        with duckdb.connect(str(self.database)) as connection:
            if rows is None:
                return connection.execute(statement).fetchall()
            connection.executemany(statement, rows)

    def change(self, path, old, new):
        """Change the text of a file of the project."""
        text = (self.folder / path).read_text()
        assert old in text, text
        (self.folder / path).write_text(text.replace(old, new))
