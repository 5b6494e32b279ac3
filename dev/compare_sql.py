"""Compare the SQL of this checkout with another revision's: python dev/compare_sql.py [REVISION]

A change that only moves or renames macros leaves every statement as it was. dbt compiles models,
tests, and analyses for every target, without a connection. Compilation shows neither hooks nor an
incremental run. For these, the sample is built twice on DuckDB, with a late event in between, and
every statement that dbt sends is compared. Needs `make engines`.

Prints a diff; exits with 1 if there is one.
"""

import difflib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGETS = ("duckdb", "postgres", "redshift", "snowflake", "bigquery", "spark")
# dbt asks for them, and connects nowhere
ENVIRONMENT = {
    "GOOGLE_CLOUD_PROJECT": "p",
    "BIGQUERY_EMULATOR_HOST": "localhost:1",
    "SNOWFLAKE_ACCOUNT": "a",
    "SNOWFLAKE_USER": "u",
    "SNOWFLAKE_PASSWORD": "p",
}
COMPILE = ["--quiet", "compile", "--no-introspect", "--no-populate-cache", "--no-version-check"]
# sent by a process of its own: dbt keeps what it has parsed in memory
SEND = """
import sys
from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper
from dbt.cli.main import dbtRunner

execute = DuckDBCursorWrapper.execute

def written(self, sql, bindings=None):
    with open("{sent}", "a") as file:
        file.write(sql.strip() + "\\n;\\n")
    return execute(self, sql, bindings)

DuckDBCursorWrapper.execute = written
for path in ("{first}", "{both}"):
    arguments = ["--quiet", "run", "--threads", "1", "--vars", "{{events_path: " + path + "}}"]
    result = dbtRunner().invoke([*arguments, "--target-path", "{work}", "--log-path", "{work}"])
    assert result.success, result.exception
"""
# what differs between two runs at the same revision
CHANGING = (
    (r"/\* \{.*?\} \*/\s*", ""),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>"),
    (r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}[ T][0-9:.]+", "<time>"),
    (r"__dbt_tmp[0-9]+", "__dbt_tmp"),
    (r"/tmp/[\w/]*?(?=/(events|work|target))", "<folder>"),
)


def compiled(tree: Path, work: Path) -> dict[str, str]:
    """Return {target and file name: SQL}; folders may differ."""
    found = {}
    for target in TARGETS:
        output = work / target
        subprocess.run(
            [
                str(ROOT / ".venv-engines/bin/dbt"),
                *COMPILE,
                *("--target", target, "--target-path", str(output), "--log-path", str(work)),
                *("--project-dir", str(tree), "--profiles-dir", str(tree)),
            ],
            check=True,
            cwd=work,
            env=os.environ | ENVIRONMENT | {"DWELL_DATABASE": str(work / "compiled.duckdb")},
        )
        for path in (output / "compiled").rglob("*.sql"):
            found[f"{target}/{path.name}"] = path.read_text()
    return found


def sent(tree: Path, work: Path) -> dict[str, str]:
    """Return {number of the statement: statement} of two runs on DuckDB."""
    folder = work / "events"
    folder.mkdir()
    header, *rows = (ROOT / "seeds/events.csv").read_text().splitlines()
    late = rows[::50]
    first = [row for row in rows if row not in late]
    for name, part in (("a", first), ("b", late)):
        (folder / f"{name}.csv").write_text("\n".join([header, *part]) + "\n")
    script = SEND.format(
        sent=work / "sent.sql", first=folder / "a.csv", both=folder / "*.csv", work=work / "target"
    )
    subprocess.run(
        [str(ROOT / ".venv/bin/python"), "-c", script],
        check=True,
        cwd=tree,
        env=os.environ | {"DWELL_DATABASE": str(work / "sent.duckdb")},
    )
    text = (work / "sent.sql").read_text()
    for pattern, replacement in CHANGING:
        text = re.sub(pattern, replacement, text)
    return {f"sent/{n:03}": sql for n, sql in enumerate(text.split("\n;\n"))}


def all_sql(tree: Path, work: Path) -> dict[str, str]:
    """Return every statement of a tree by its name."""
    work.mkdir()
    return compiled(tree, work) | sent(tree, work)


def main() -> int:
    """Compare; return the exit code."""
    revision = sys.argv[1] if len(sys.argv) > 1 else "HEAD"
    with tempfile.TemporaryDirectory() as folder:
        other, work = Path(folder) / "tree", Path(folder)
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(other), revision], check=True)
        try:
            before = all_sql(other, work / "before")
        finally:
            subprocess.run([*git, "remove", "--force", str(other)], check=True)
        after = all_sql(ROOT, work / "after")
    differ = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
    for name in differ:
        lines = [side.get(name, "").splitlines(keepends=True) for side in (before, after)]
        sys.stdout.writelines(difflib.unified_diff(*lines, f"{revision}/{name}", name, n=1))
    print(f"{len(after)} statements, {len(differ)} differ from {revision}")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
