"""On a fresh clone, a test that needs more is skipped, and prints what to install."""

import os
import subprocess
import sys

import pytest
from support import optional
from support.project import ROOT

# tests of `make test` that use the clients of warehouses
USING_CLIENTS = (
    "tests/python/streaming/test_reconciliation.py::test_a_table_that_lags_behind_or_has_too_much_is_a_difference",
    "tests/python/warehouses/test_schemas.py::test_the_docs_make_bigquerys_table_as_dwell_does",
)
# as if no package of requirements/warehouses.txt were installed, in every process
WITHOUT_CLIENTS = f"import sys\nfor name in {optional.CLIENTS}: sys.modules[name] = None\n"


def test_a_missing_part_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setitem(optional.PARTS, "lamp", (lambda: False, "a lamp", "make lamp"))
    monkeypatch.delenv("DWELL_REQUIRE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs a lamp, not installed here: make lamp"):
        optional.need("lamp")


@pytest.mark.parametrize("required", ["lamp", "java,lamp", "all"])
def test_a_part_that_is_required_may_not_be_missing(required, monkeypatch):
    monkeypatch.setitem(optional.PARTS, "lamp", (lambda: False, "a lamp", "make lamp"))
    monkeypatch.setenv("DWELL_REQUIRE", required)
    with pytest.raises(pytest.fail.Exception, match="make lamp"):
        optional.need("lamp")


def test_without_the_clients_of_warehouses_nothing_fails(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_CLIENTS)
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "DWELL_REQUIRE": "",
        "DWELL_SKIPPED": str(tmp_path / "skipped"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *USING_CLIENTS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "make warehouses" in done.stdout
    # .ci/run reads them, to run them where everything is installed
    assert (tmp_path / "skipped").read_text().splitlines() == sorted(USING_CLIENTS)
