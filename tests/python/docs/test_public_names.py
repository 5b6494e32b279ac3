"""Names that others rely on: a change of one shows in the diff of public_names.json.

`python tests/python/docs/test_public_names.py` writes the file. Read its diff before you commit it.
"""

import ast
import json
import re
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[3]))

from support.project import ROOT, Project

from dwell.cli.main import dwell

FILE = Path(__file__).with_name("public_names.json")
LEVELS = {"info", "warning", "error", "record", "update"}
COLUMNS = """
select table_name, list(column_name || ' ' || lower(data_type) order by column_index)
from duckdb_columns()
where schema_name = 'main' and {which}
group by table_name order by table_name
"""


def commands() -> dict:
    """Return the options of each command."""
    return {
        name: [option.opts[-1] for option in command.params]
        for name, command in dwell.commands.items()
    }


def log_fields() -> dict:
    """Return the fields of the log records of each module."""
    fields = {}
    for path in sorted((ROOT / "dwell").rglob("*.py")):
        found = {
            keyword.arg
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in ("log", "status")
            for keyword in node.keywords
            if keyword.arg
        }
        if found:
            fields[str(path.relative_to(ROOT))] = sorted(found)
    return fields


def settings() -> list:
    """Return the settings."""
    return list(yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["dwell"])


def public_macros() -> dict:
    """Return the arguments of macros for other projects."""
    text = (ROOT / "macros" / "sessionization" / "sessionize.sql").read_text()
    arguments = re.search(r"{% macro sessionize\((.*?)\) %}", text, re.DOTALL)[1]
    return {"sessionize": [one.strip() for one in arguments.split(",")]}


def columns(project: Project, which: str) -> dict:
    """Return {table: columns} of a built database."""
    return dict(project.rows(COLUMNS.format(which=which)))


def names(folder: Path) -> dict:
    """Return all names; builds the sample in a folder."""
    project = Project(folder)
    project.run("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    marts = {node.name for node in project.manifest().nodes.values() if "marts" in node.fqn}
    listed = ", ".join(f"'{mart}'" for mart in sorted(marts))
    return {
        "commands": commands(),
        "settings": settings(),
        "macros": public_macros(),
        "marts": columns(project, f"table_name in ({listed})"),
        "tables of dwell": columns(project, "table_name like 'dwell_%'"),
        "log fields": log_fields(),
    }


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return names(tmp_path_factory.mktemp("names"))


@pytest.mark.parametrize("kind", json.loads(FILE.read_text()) if FILE.exists() else [])
def test_names_are_as_listed(kind, found):
    assert found[kind] == json.loads(FILE.read_text())[kind], (
        "if you mean it: python tests/python/docs/test_public_names.py, and read the diff"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        FILE.write_text(json.dumps(names(Path(folder)), indent=1) + "\n")
