"""The command line: help, completion, and docs/reference/cli.md describe every command."""

import contextlib
import os
import pty
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from support.project import ROOT

from dwell.cli.main import dwell, main
from dwell.runtime.progress import Progress

WITHOUT_CLIENTS = (
    "import sys\n"
    "for name in ('confluent_kafka', 'pyarrow', 'duckdb', 'dbt'): sys.modules[name] = None\n"
    "from dwell.cli.main import main\n"
    "sys.exit(main())"
)
COMMANDS = {name: command.get_short_help_str() for name, command in dwell.commands.items()}
PAGE = (ROOT / "docs" / "reference" / "cli.md").read_text()


def run(*words):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_CLIENTS, *words],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_every_command_without_their_clients():
    done = run("--help")
    assert done.returncode == 0
    for name, help_text in COMMANDS.items():
        assert re.search(rf"^ +{name}\s+{re.escape(help_text)}$", done.stdout, re.M), name
    done = run("listen", "--help")
    assert done.returncode == 0
    for option in ("--topic", "--grace", "--keep-days"):
        assert option in done.stdout


def test_a_command_whose_client_is_not_installed_names_what_installs_it():
    done = run("end-offsets", "--topic", "t")
    assert (done.returncode, done.stderr) == (
        2,
        "dwell end-offsets needs confluent_kafka: make kafka\n",
    )


@pytest.mark.parametrize("options", [(), ("--events", "x.csv", "y.csv")])
def test_build_reads_the_events_of_the_environment_unless_an_option_names_them(
    options, tmp_path, monkeypatch
):
    built = []
    monkeypatch.setattr("dwell.build.builder.build_copy", lambda *given: built.append(given[2]))
    monkeypatch.setenv("EVENTS", "a.csv 'b c.csv'")
    monkeypatch.setenv("VARS", "{session_timeout_minutes: 20}")
    # the copy is empty, so it does not replace the database
    assert main(["build", "--database", str(tmp_path / "x.duckdb"), *options]) == 1
    paths = ["x.csv", "y.csv"] if options else ["a.csv", "b c.csv"]
    assert built == [{"session_timeout_minutes": 20, "events_path": paths}]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_a_closed_pipe_gives_no_traceback():
    with subprocess.Popen(
        [sys.executable, "-m", "dwell", "completion", "bash"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_bash_completes_commands_options_and_choices(tmp_path):
    script = tmp_path / "dwell.bash"
    script.write_text(run("completion", "bash").stdout)
    ask = """
    source "$1"
    complete -p dwell
    shift
    PATH="$PWD/.venv/bin:$PATH"
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _dwell_completion dwell
    echo "${COMPREPLY[@]}"
    """

    def completed(*words):
        printed = subprocess.run(
            ["bash", "-c", ask, "bash", script, *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        assert printed[0].endswith(" dwell")
        return printed[1].split()

    assert completed("dwell", "bui") == ["build"]
    assert completed("dwell", "build", "--full") == ["--full-refresh"]
    assert completed("dwell", "listen", "--gr") == ["--grace"]
    assert completed("dwell", "load", "post") == ["postgres"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_ask_dwell(shell):
    assert f"_DWELL_COMPLETE={shell}_complete" in run("completion", shell).stdout


def test_the_page_describes_every_command_as_help_does():
    rows = re.findall(r"^\| `dwell ([a-z-]+)[^`]*` \| ([^|]+) \|", PAGE, re.M)
    assert dict(rows) == COMMANDS


def test_the_page_lists_the_variables_of_the_environment():
    read = set()
    for path in [*(ROOT / "dwell").rglob("*.py"), ROOT / "profiles.yml"]:
        text = path.read_text()
        read |= set(re.findall(r"environ(?:\.get\(|\[)\s*[\"']([A-Z_]+)", text))
        read |= set(re.findall(r"\b(?:DBT_ENV_SECRET_)?DWELL_[A-Z_]*[A-Z]\b", text))
    assert read >= {"DWELL_DATABASE", "EVENTS", "VARS"}
    assert sorted(name for name in read if name not in PAGE) == []


# -- Progress ----------------------------------------------------------------------------------


def event(name, level="info", msg="", **about):
    return SimpleNamespace(
        info=SimpleNamespace(name=name, level=level, msg=msg), data=SimpleNamespace(**about)
    )


def begun(index, kind, name):
    node = SimpleNamespace(unique_id=name, resource_type=kind, node_name=name)
    return event("LogStartLine", index=index, total=90, node_info=node)


def shown(monkeypatch, **environment):
    """Return what a terminal of 40 columns is sent."""
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((40, 24)))
    with os.fdopen(theirs, "w") as out, Progress(out) as progress:
        progress.handle(begun(12, "model", "fct_sessions"))
        progress.handle(event("PrintEvent", msg="dwell: another run was first"))
        progress.handle(begun(13, "unit_test", "a_name_that_is_longer_than_the_terminal_is"))
    output = b""
    with contextlib.suppress(OSError), os.fdopen(ours, "rb", buffering=0) as pipe:
        # Linux raises an error if the other end is closed
        while more := pipe.read(1000):
            output += more
    return output.decode()


def test_in_a_terminal_one_line_shows_what_dbt_does(monkeypatch):
    output = shown(monkeypatch)
    lines = output.split("\r\x1b[K")
    assert "[12/90] model fct_sessions  0 s" in lines
    # messages stay; the line is gone at the end, and fits
    assert "dwell: another run was first\r\n" in lines
    assert lines[-1] == ""
    assert max(len(line.strip()) for line in lines) < 40


@pytest.mark.parametrize("environment", [{"CI": "true"}, {"NO_COLOR": "1"}])
def test_elsewhere_only_messages_are_printed(monkeypatch, environment):
    assert shown(monkeypatch, **environment) == "dwell: another run was first\r\n"
