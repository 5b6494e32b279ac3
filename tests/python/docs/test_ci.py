"""CI runs the README's commands, on a fresh clone first, and nothing that can change unseen."""

import os
import re
import subprocess

import pytest
import yaml
from support.project import ROOT

SCRIPT = (ROOT / ".ci" / "run").read_text()
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
JOBS = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
# a test file that has one of these skips where only `make test` was called
NEEDS_MORE = re.compile(
    r"support\.(warehouses|written)|kafka\.listener|importorskip|\bbroker\b"
    r"|need\(.*\"(java|postgres|warehouses|emulators|flink|engines|airflow)\""
)


def steps():
    """Return (command, environment) of each step of ci.yml that is a command."""
    return [
        (step["run"], step.get("env", {}))
        for job in JOBS.values()
        for step in job["steps"]
        if "run" in step
    ]


def targets(script):
    """Return the targets of make that a script names, and those that these depend on."""
    rules = dict(re.findall(r"^([a-z-]+):([^#\n]*)", (ROOT / "Makefile").read_text(), re.M))
    named = set()
    for arguments in re.findall(r"^(?!#).*\bmake\b([^>\n]*)", script, re.M):
        # without an argument, make takes the first target
        named |= set(arguments.split()) & rules.keys() or {"build"}
    depended = {name for target in named for name in rules[target].split() if name in rules}
    return named | depended


def test_the_readmes_commands_run_in_a_clone_before_anything_optional_is_installed():
    readme = (ROOT / "README.md").read_text()
    (block,) = re.findall(r"^## Two commands\n.*?```\n(.*?)```", readme, re.S | re.M)
    commands = [line.split("#")[0].split() for line in block.splitlines()]
    assert commands == [["make"], ["make", "test"]]
    clone = SCRIPT.index("git clone")
    optional = SCRIPT.index("\nmake\nmake warehouses")
    in_clone = re.findall(r'make -C "\$work/dwell"(.*)', SCRIPT[clone:optional])
    assert [words.split() for words in in_clone] == [[], ["test"]]
    # what the clone skipped runs where all is installed, and may not skip again
    assert 'DWELL_REQUIRE=all .venv/bin/python -m pytest "@$work/skipped"' in SCRIPT[optional:]


@pytest.mark.parametrize("given", ["argument", "environment"])
@pytest.mark.parametrize("name", ["EVENTS", "VARS"])
def test_make_passes_settings_on_as_they_are_written(name, given):
    value = "{device_id: properties.$device_id, user_id: $$x $(shell echo no)}"
    arguments = [f"{name}={value}"] if given == "argument" else []
    # `make test` hands on flags and variables of its own
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    printed = subprocess.run(
        ["make", "--silent", "--eval", f"printed: ; @printenv {name}", "printed", *arguments],
        cwd=ROOT,
        env=environment | ({name: value} if given == "environment" else {}),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert printed == f"{value}\n"


def test_jobs_make_all_that_the_script_makes():
    assert {"build", "test", "lint", "report", "test-pipelines"} < targets(SCRIPT)
    assert targets("\n".join(command for command, _ in steps())) >= targets(SCRIPT)
    engines = re.findall(r"make test-engines ENGINES='?([^'\n]*)", SCRIPT)
    assert sorted(JOBS["engines"]["strategy"]["matrix"]["engines"]) == sorted(engines)
    assert set(re.findall(r"test-duckdb DUCKDB=(\S+)", SCRIPT)) <= set(
        JOBS["duckdb"]["strategy"]["matrix"]["duckdb"]
    )


def test_tests_that_need_more_may_not_skip_in_one_of_the_jobs():
    paths = [
        path
        for command, environment in steps()
        if environment.get("DWELL_REQUIRE") == "all"
        for path in re.findall(r" (tests/python\S*)", command)
    ]
    # the job pipelines
    paths.append("tests/python/warehouses/test_load.py")
    skipping = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests" / "python").rglob("test_*.py")
        if path.parent.name != "docs" and NEEDS_MORE.search(path.read_text())
    ]
    assert "tests/python/kafka/test_ingest.py" in skipping
    for name in skipping:
        assert any(name == path or name.startswith(f"{path}/") for path in paths), name


def test_what_the_job_core_ignores_is_run_by_another_job():
    (ignored,) = (
        re.findall(r"--ignore=(\S+)", environment["PYTEST_ADDOPTS"])
        for _, environment in steps()
        if "PYTEST_ADDOPTS" in environment
    )
    commands = [command for command, _ in steps() if "-m pytest" in command]
    for path in ignored:
        assert (ROOT / path).is_dir()
        assert any(f" {path}" in command for command in commands), path


def test_every_python_that_dwell_supports_is_tested():
    requires = re.search(r'requires-python = ">=3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    pythons = JOBS["core"]["strategy"]["matrix"]["python"]
    assert pythons == [f"3.{minor}" for minor in range(int(requires[1]), 15)]


def test_workflows_may_only_read_and_their_actions_are_pinned():
    for path in WORKFLOWS:
        text = path.read_text()
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {"contents": "read"}
        # one job writes: the docs of main, to a branch of their own
        writing = {name: job for name, job in workflow["jobs"].items() if "permissions" in job}
        assert writing.keys() <= {"docs"}
        for job in writing.values():
            assert job["permissions"] == {"contents": "write"}
            assert job["if"] == "github.event_name == 'push' && github.ref == 'refs/heads/main'"
        uses = re.findall(r"uses: (.*)", text)
        assert uses
        for action in uses:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
