"""What some tests need and a fresh clone does not have, and the command that installs it.

`make test` skips a test whose parts are missing, and prints the command. CI does not:
DWELL_REQUIRE=java,browser makes a skip for want of these parts a failure, DWELL_REQUIRE=all a skip
for want of any.
"""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest
from support.project import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CLIENTS = ("google.cloud.bigquery", "psycopg", "redshift_connector", "snowflake.connector")


def find_browser():
    """Return the path of a Chromium, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def find_postgres():
    """Return the folder of PostgreSQL's server programs, or None."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    # Debian keeps them out of PATH
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found = max(folders, key=lambda path: int(path.parts[-3]), default=None)
    return found and found.parent


def has_programs(*names):
    return all(map(shutil.which, names))


def has_files(*names):
    return all((ROOT / name).exists() for name in names)


def has_package(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        # not even the package around it
        return False


# {part: (whether it is installed, its name, what installs it)}
PARTS = {
    "java": (
        lambda: has_programs("java", "mvn", "keytool"),
        "Java 17 and Maven",
        "apt install openjdk-17-jre-headless maven",
    ),
    "postgres": (find_postgres, "PostgreSQL's server", "apt install postgresql"),
    "browser": (find_browser, "Chromium", "apt install chromium"),
    "warehouses": (
        lambda: all(map(has_package, CLIENTS)),
        "the warehouses' clients",
        "make warehouses",
    ),
    "emulators": (
        lambda: has_files(".venv-bqemulator/.installed", ".venv-fakesnow/.installed"),
        "the emulators of BigQuery and Snowflake (1 GB)",
        "make emulators",
    ),
    "flink": (
        lambda: has_files(".venv-flink/.flink", ".flink/jars"),
        "Flink (844 MB)",
        "make flink",
    ),
    "engines": (
        lambda: has_files(".venv-engines/.installed", ".spark/jars"),
        "dbt for every engine (1.5 GB)",
        "make engines",
    ),
    "airflow": (
        lambda: has_files(".venv-airflow/.installed", "target/airflow/manifest.json"),
        "Airflow (324 MB)",
        "make airflow",
    ),
}


def need(*parts):
    """Skip the test that calls this if a part is not installed, or fail if it is required."""
    required = os.environ.get("DWELL_REQUIRE", "").split(",")
    for part in parts:
        is_installed, name, command = PARTS[part]
        if is_installed():
            continue
        message = f"needs {name}, not installed here: {command}"
        if part in required or "all" in required:
            pytest.fail(message)
        pytest.skip(message)
