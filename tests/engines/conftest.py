"""The engines, each started once; and DuckDB, with whose rows all others' are compared."""

import os
import time
from pathlib import Path

import pytest
from batches import REAL
from engine import ENGINES
from on_bigquery import BigQuery
from on_duckdb import DuckDB, DuckLake
from on_postgres import Postgres
from on_snowflake import Snowflake
from support.optional import need
from support.warehouses.emulators import running_bigquery, running_postgres, running_snowflake

# Spark gives times in the zone of the process
os.environ["TZ"] = "UTC"
time.tzset()


@pytest.fixture(scope="session", params=ENGINES)
def engine(request):
    """Return an engine that runs, other than DuckDB."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def duckdb(tmp_path_factory):
    return DuckDB(tmp_path_factory.mktemp("duckdb"))


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    """Return what a PostgreSQL that runs is found by."""
    with running_postgres(tmp_path_factory.mktemp("postgres")) as environment:
        yield environment


@pytest.fixture(scope="session")
def ducklake(database, tmp_path_factory):
    from duckdb_extensions import import_extension

    for extension in ("ducklake", "postgres_scanner"):
        import_extension(extension)
    folder = tmp_path_factory.mktemp("ducklake")
    return DuckLake(folder, database | {"DWELL_LAKE": str(folder / "lake")})


@pytest.fixture(scope="session")
def postgres(database, tmp_path_factory):
    return Postgres(tmp_path_factory.mktemp("postgres_runs"), database)


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    need("java", "engines")
    from on_spark import Spark

    engine = Spark(tmp_path_factory.mktemp("spark"))
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def snowflake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("snowflake")
    with running_snowflake(folder, Path(__file__).with_name("fakesnow_server.py")) as environment:
        yield Snowflake(folder, environment)


@pytest.fixture(scope="session")
def bigquery(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bigquery")
    with running_bigquery(folder) as environment:
        yield BigQuery(folder, environment)


@pytest.fixture(scope="session")
def expected(duckdb):
    """Return a way to know what DuckDB gives, run by run."""
    known = {}

    def marts(runs, *arguments):
        if (runs, *arguments) not in known:
            known[runs, *arguments] = list(runs(duckdb, *arguments))
        return known[runs, *arguments]

    return marts


@pytest.fixture(scope="session")
def real_data():
    """Leave a test out if the real data is not there."""
    if not REAL.exists():
        pytest.skip("the real data is not next to this checkout")
