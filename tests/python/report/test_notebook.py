"""The notebook runs on the sample, where it shows what is kept, and on one's own file."""

import os
import re

import nbformat
import pytest
from nbclient import NotebookClient
from support.events import write_events
from support.project import ROOT

NOTEBOOK = ROOT / "notebooks" / "your_own_events.ipynb"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a way to run it, with words of its cells replaced."""

    def ran(**replaced):
        folder = tmp_path_factory.mktemp("notebook")
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        for cell in notebook.cells:
            for old, new in replaced.items():
                cell.source = re.sub(f'^{old} = ""', f"{old} = {new!r}", cell.source, flags=re.M)
            own = repr(str(folder / "notebook.duckdb"))
            cell.source = cell.source.replace('"notebook.duckdb"', own)
        names = {
            # someone's own, which it leaves alone
            "DWELL_DATABASE": "mine.duckdb",
            "DBT_TARGET_PATH": "target",
            "DBT_LOG_PATH": "logs",
        }
        environment = os.environ | {name: str(folder / path) for name, path in names.items()}
        client = NotebookClient(
            notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}
        )
        client.execute(env=environment)
        assert not (folder / "mine.duckdb").exists()
        return notebook

    return ran


def test_on_the_sample_it_shows_what_is_kept(run):
    ran = run()
    assert texts(ran) == texts(nbformat.read(NOTEBOOK, as_version=4))
    # counted when the sample was made
    for fact in ("18 March 2025, with 538 events", "517 sessions", "│ 3089 │ 3000 │ 60 │ 29 │"):
        assert fact in texts(ran)
    assert pictures(ran) == 3


def test_one_gives_it_a_file(run, tmp_path):
    at = ("2025-01-01 10:00", "2025-01-01 10:30", "2025-01-02 10:00:00", "2025-01-02 10:30:01")
    events = write_events(tmp_path / "mine.csv", [("view", "ann", time) for time in at])
    ran = run(EVENTS=str(events))
    assert "3 sessions by 1 visitor" in texts(ran)
    assert pictures(ran) == 3


def test_what_is_kept_knows_nothing_of_the_machine_it_was_made_on():
    kept = NOTEBOOK.read_text()
    assert str(ROOT) not in kept and '"iopub' not in kept
    assert not re.search(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T", kept)


def test_pip_installs_what_is_pinned():
    """Elsewhere the pins are in pyproject.toml alone; pip on Colab cannot read them there."""
    pinned = re.findall(r'"(\S+==\S+)"', (ROOT / "pyproject.toml").read_text())
    source = nbformat.read(NOTEBOOK, as_version=4).cells[1].source
    (line,) = re.findall(r"%pip install -q (.*)", source)
    assert set(line.split()) <= set(pinned)


def texts(notebook):
    """Return what it wrote, however it was broken into lines."""
    parts = [
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stdout"
    ]
    return " ".join("".join(parts).split())


def pictures(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [o for o in outputs if o.output_type == "error"]
    return sum("image/png" in output.get("data", {}) for output in outputs)
