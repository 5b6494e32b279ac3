"""What data and names hold never reaches a terminal, a log or a page as it is."""

import json
import logging
import os
import pty
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from support.events import write_events
from support.project import ROOT

from dwell.cli.main import dwell as command_line
from dwell.cli.main import main
from dwell.runtime import log
from dwell.runtime.progress import Progress
from dwell.runtime.terminal import escape

# a title, red, text from right to left, a line of its own, C1's CSI, DEL, and what is not seen
HOSTILE = "a\x1b]0;title\x07\x1b[31mb\u202ec\r\nFORGED\x9b1md\x7fe\u200b\u2066\u2028\u061c\ufefff"
SHOWN = (
    r"a\u001b]0;title\u0007\u001b[31mb\u202ec\r\nFORGED\u009b1md\u007fe\u200b\u2066\u2028\u061c"
    r"\ufefff"
)
# listed by hand: what Unicode calls control, bidirectional, zero-width, or the end of a line
UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
)


def check(text, *known):
    """Hold that a text is safe; `known` is of the program's own making."""
    for own in known:
        text = text.replace(own, "\n")
    assert not UNSAFE.search(text), ascii(text)
    assert not re.search("^FORGED", text, re.M), ascii(text)


def dwell(*words, **environment):
    """Run a command; return (exit code, stdout, stderr), which are safe."""
    done = subprocess.run(
        [sys.executable, "-m", "dwell", *words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        timeout=100,
    )
    # as it is: Python would take a carriage return for the end of a line
    out, err = done.stdout.decode(), done.stderr.decode()
    check(out)
    check(err)
    assert "Traceback" not in err, err
    return done.returncode, out, err


def in_terminal(*words, **environment):
    """Run a command in a terminal; return what is written to it, which is safe."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "dwell", *words],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 65536):
            written += chunk
    except OSError:
        # Linux ends a terminal so
        pass
    os.close(ours)
    done.wait()
    text = written.decode()
    check(text, "\r\x1b[K", "\r\n")
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of a hostile name."""
    folder = tmp_path_factory.mktemp("terminal") / HOSTILE
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def database(folder):
    """A build of hostile events, from a file of a hostile name."""
    from support.project import Project

    rows = [(HOSTILE, HOSTILE, f"2025-01-01 10:0{minute}") for minute in range(3)]
    path = write_events(folder / f"{HOSTILE}.csv", rows)
    project = Project(folder.parent, events_path=[str(path)], ignored_events=["x\u202ey"])
    project.run("run")
    return project.database


# -- One function ----------------------------------------------------------------------------


def test_it_is_shown_as_json_writes_it():
    assert escape(HOSTILE) == SHOWN
    assert json.loads(f'"{SHOWN}"') == HOSTILE
    # beyond 16 bits, and a byte of a file's name that is no UTF-8
    assert escape("\U000e0041 \udcff") == r"\udb40\udc41 \udcff"


def test_what_people_write_stays():
    text = "Zoë, 李雷, עברית, 🎬, e\u0301, a\u00a0b"
    assert escape(text) == text


# -- Commands --------------------------------------------------------------------------------


def test_answers(database):
    code, out, _ = dwell("answers", "--database", database, COLUMNS="1000")
    assert code == 0 and SHOWN in out
    _, out, _ = dwell("answers", "--json", "--database", database)
    assert HOSTILE in json.loads(out)["answers"][2]["answer_text"]
    code, _, err = dwell("answers", "--database", database.with_name(f"{HOSTILE}.duckdb"))
    assert code == 1 and SHOWN in err


def test_report(database, folder):
    page = folder / "report.html"
    # who may not read the database may not read the page
    database.chmod(0o600)
    code, out, _ = dwell("report", "--database", database, "--output", page)
    assert code == 0 and SHOWN in out
    assert page.stat().st_mode & 0o777 == 0o600
    html = page.read_text()
    assert not UNSAFE.search(html) and SHOWN in html
    nowhere = folder / "no" / "report.html"
    code, _, err = dwell("report", "--database", database, "--output", nowhere)
    assert code == 1 and SHOWN in err
    code, _, err = dwell("report", "--database", folder / "none.duckdb")
    assert code == 1 and SHOWN in err


@pytest.mark.parametrize(
    "words",
    [
        ("--target", HOSTILE),
        ("--vars", f"{{{HOSTILE}"),
        ("--database", f"none/{HOSTILE}/dwell.duckdb"),
    ],
    ids=lambda words: words[0],
)
def test_build(words, tmp_path):
    # nothing of it is built
    code, _, err = dwell("build", *words, DWELL_DATABASE=str(tmp_path / "dwell.duckdb"))
    assert code in (1, 2) and err


def test_build_from_a_file_that_cannot_be_read(folder, tmp_path):
    """In a terminal, where progress is shown too."""
    (path := folder / "broken.csv.gz").write_bytes(b"no gzip")
    database = str(tmp_path / f"{HOSTILE}.duckdb")
    assert "FORGED" in in_terminal("build", "--events", str(path), DWELL_DATABASE=database)
    path = path.rename(folder / "broken.parquet")
    assert "FORGED" in in_terminal("build", "--events", str(path), DWELL_DATABASE=database)


def test_vars():
    given = {"EVENTS": f"'{HOSTILE}'", "VARS": json.dumps({"ignored_events": [HOSTILE]})}
    code, out, _ = dwell("vars", **given)
    assert code == 0 and json.loads(out)["events_path"] == [HOSTILE]
    code, _, err = dwell("vars", EVENTS="", VARS=f"{{{HOSTILE}")
    assert code == 2 and err


def test_simulate(folder):
    code, _, err = dwell("simulate", "--viewers", "1", "--output", folder / "no" / "evening.jsonl")
    assert code == 1 and "FORGED" in err
    code, out, _ = dwell("simulate", "--viewers", "1")
    assert code == 0 and out


@pytest.mark.parametrize("run", [lambda *words, **more: dwell(*words, **more)[2], in_terminal])
@pytest.mark.parametrize(
    "words",
    [
        ("ingest", "--topic", HOSTILE, "--kafka-config", f"none/{HOSTILE}"),
        ("listen", "--topic", HOSTILE, "--kafka-config", f"none/{HOSTILE}"),
        ("end-offsets", "--topic", HOSTILE, "--kafka-config", f"none/{HOSTILE}"),
        ("reconcile", "--topic", HOSTILE, "--kafka-config", f"none/{HOSTILE}"),
        ("validate", "--schema", f"none/{HOSTILE}"),
        ("compact",),
    ],
    ids=lambda words: words[0],
)
def test_commands_that_log(run, words, folder):
    landing = folder / "landing"
    landing.mkdir(exist_ok=True)
    (landing / "broken.parquet").write_bytes(b"no Parquet")
    if words[0] in ("validate", "compact", "listen", "ingest", "reconcile"):
        words += ("--landing", str(landing))
    assert "FORGED" in run(*words, DWELL_DATABASE=str(folder / "dwell.duckdb"))


def test_load(folder):
    # without its client, the message names it
    code, _, err = dwell("load", "postgres", "--table", HOSTILE, PGHOST=str(folder))
    assert code and err


@pytest.mark.parametrize("command", command_line.commands)
def test_wrong_usage(command, capsys):
    needs = {"load": ["postgres"], "completion": ["bash"]}
    needs |= {name: ["--topic=t"] for name in ("ingest", "listen", "end-offsets", "reconcile")}
    assert main([command, *needs.get(command, []), HOSTILE]) == 2
    err = capsys.readouterr().err
    check(err)
    assert "FORGED" in err


def test_an_error_that_no_one_has_caught():
    crash = (
        "import sys; from dwell.runtime import terminal; sys.excepthook = terminal.print_traceback;"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{crash} raise ValueError({HOSTILE!r})"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    assert not UNSAFE.search(done.stderr) and r"ValueError: a\u001b]0;title" in done.stderr


# -- Logs and progress -----------------------------------------------------------------------


def record():
    record = logging.LogRecord("dwell", logging.INFO, "", 0, f"lands in {HOSTILE}", (), None)
    record.fields = {"topic": HOSTILE}
    return record


def test_a_line_of_json_is_a_line_and_its_message_is_safe():
    line = log.Objects().format(record())
    check(line)
    assert "\n" not in line
    # fields are for machines: exact
    assert json.loads(line)["topic"] == HOSTILE
    check(json.loads(line)["message"].replace("\nFORGED", "\n FORGED"))


def test_a_sentence_of_a_log_is_safe():
    line = log.Sentences().format(record())
    assert line.startswith("\r\x1b[K")
    check(line.removeprefix("\r\x1b[K"))


def test_a_status_line_is_safe(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    log.Status().update(0, HOSTILE)
    err = capsys.readouterr().err
    assert err == f"\r\x1b[K{SHOWN}"


def test_messages_of_dbt_are_safe(tmp_path):
    with (tmp_path / "out").open("w+", encoding="utf-8") as out:
        progress = Progress(out)
        info = SimpleNamespace(name="PrintEvent", level="info", msg=f"dwell: {HOSTILE}")
        progress.handle(SimpleNamespace(info=info, data=None))
        out.seek(0)
        check(out.read())


# -- dbt itself ------------------------------------------------------------------------------


def test_dwells_sentences_are_safe_where_dbt_prints_them(project, folder, tmp_path):
    (path := folder / "broken.parquet").write_bytes(b"PAR1 no Parquet")
    for paths in (f"none/{HOSTILE}.csv", str(path)):
        output = project(events_path=[paths]).run("run", fails=True)
        (sentence,) = re.findall("dwell: .*?(?=\n|$)", output)
        check(sentence)
        assert "FORGED" in sentence


def test_an_error_of_sql_that_quotes_a_name_is_safe(project):
    text = "'dwell: ' || chr(27) || '[31m' || chr(8238) || chr(10) || 'FORGED is loaded already'"
    query = f'select {{{{ dwell.fail_with("{text}") }}}}'
    output = project().run("show", "--inline", query, fails=True)
    assert "dwell: ?[31m??FORGED is loaded already" in output
