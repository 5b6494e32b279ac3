"""dbt options that send no BEGIN and COMMIT are refused: a run that died would lose its load."""

import shutil

import batches
import pytest
import yaml
from dbt.cli.main import dbtRunner
from engine import ROOT
from runs import by_load_time, load

from dwell.dbt.runner import format_errors


@pytest.fixture
def copy(tmp_path):
    """Return a copy of the project, whose profile and flags a test can change."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "target", "logs", "*.duckdb*"))
    return copy


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_autocommit_on_postgres(postgres, copy):
    change(
        copy / "profiles.yml",
        "      type: postgres\n",
        "      type: postgres\n      autocommit: true\n",
    )
    postgres.begin("autocommit")
    load(postgres, batches.sample_in_batches()[0])
    errors = postgres.dbt("run", project=copy, fails=True, **by_load_time(postgres))
    assert (
        "dwell: autocommit: true in the target postgres of profiles.yml makes dbt send no BEGIN"
        in errors
    )


@pytest.mark.parametrize("is_set", [True, False])
def test_the_flag_on_redshift(copy, tmp_path, is_set):
    """No Redshift is asked: the flag is known before dbt connects."""
    project = yaml.safe_load((copy / "dbt_project.yml").read_text())
    project["flags"]["redshift_skip_autocommit_transaction_statements"] = is_set
    project["on-run-start"] = []
    (copy / "dbt_project.yml").write_text(yaml.dump(project))
    result = dbtRunner().invoke(
        [
            *("--log-level", "none", "--no-print", "run-operation", "check_transactions"),
            *("--target", "redshift", "--project-dir", str(copy), "--profiles-dir", str(copy)),
            *("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")),
        ]
    )
    errors = format_errors(result)
    # without the flag it goes on, and finds no Redshift
    refused = "dwell: the flag redshift_skip_autocommit_transaction_statements" in errors
    assert refused == is_set, errors
