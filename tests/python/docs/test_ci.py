"""CI runs what the README says, on a fresh clone first, and nothing that can change unseen."""

import os
import re
import subprocess

import pytest
import yaml
from support.project import ROOT

SCRIPT = (ROOT / ".ci" / "run").read_text()


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
    told = [f"{name}={value}"] if given == "argument" else []
    # `make test` hands on flags and variables of its own
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    printed = subprocess.run(
        ["make", "--silent", "--eval", f"printed: ; @printenv {name}", "printed", *told],
        cwd=ROOT,
        env=environment | ({name: value} if given == "environment" else {}),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert printed == f"{value}\n"


def test_workflows_may_only_read_and_their_actions_are_pinned():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text()
        assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
        uses = re.findall(r"uses: (.*)", text)
        assert uses
        for action in uses:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
