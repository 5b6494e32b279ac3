"""A run that dies after its hooks and before its rows are stored is completed by the next.

Where hooks and rows are not one transaction, what the hooks wrote of the load stays.
"""

import shutil

import batches
import pytest
from engine import ENGINES, ROOT, engines
from runs import by_load_time, compare, every_mart, in_batches, load


@pytest.fixture(scope="session")
def dying(tmp_path_factory):
    """Return a copy of the project whose two stored tables cannot be computed."""
    copy = tmp_path_factory.mktemp("copy") / "dying"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "target", "logs", "*.duckdb*"))
    for model in ("web/int_web__events_sessionized", "watch/int_watch__streams"):
        path = copy / "models" / "intermediate" / f"{model}.sql"
        path.write_text(path.read_text() + "\ncross join a_table_that_is_not_there\n")
    return copy


# DuckDB and DuckLake roll back as PostgreSQL does; Spark takes minutes
# one with transactions and one without are enough each time
LONG = ("duckdb", "ducklake", "spark", "bigquery")


@pytest.mark.parametrize("name", engines("duckdb", *ENGINES, long=LONG))
def test_the_next_run_completes_it(name, dying, expected, request):
    *_, third, _ = expected(in_batches, "sample_in_batches")
    engine = request.getfixturevalue(name)
    engine.begin("died")
    settings = by_load_time(engine)

    first_batch, second_batch, third_batch = batches.sample_in_batches()
    load(engine, first_batch)
    engine.dbt("run", project=dying, fails=True, **settings)
    engine.dbt("run", **settings)
    load(engine, second_batch)
    engine.dbt("run", **settings)
    load(engine, third_batch)
    # a day and more after the second: what the dead run forgot of it would be missed
    engine.dbt("run", project=dying, fails=True, **settings)
    engine.dbt("run", "--full-refresh", project=dying, fails=True, **settings)
    engine.dbt("run", **settings)
    compare(third, every_mart(engine))
