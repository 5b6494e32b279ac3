"""A relation with a load-time column is read from where the last run stopped, and a day before."""

import random
from datetime import datetime, timedelta

import duckdb
import pytest
from project import MARTS, Project

BEFORE, DAY = datetime(2025, 5, 20), datetime(2025, 6, 1)


@pytest.fixture
def warehouse(tmp_path):
    project = Project(tmp_path, events_relation="raw.events", events_loaded_at="loaded_at")
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create schema raw")
        connection.execute(
            """create table raw.events (event_name text, user_id text, app_version text,
            event_time timestamp, device_id text, client text, loaded_at timestamp)"""
        )
    return project


def insert(project, rows):
    """Insert (user_id, event_time, loaded_at)."""
    with duckdb.connect(str(project.database)) as connection:
        connection.executemany(
            "insert into raw.events values ('view', ?, null, ?, 'phone', 'web', ?)", rows
        )


def told(project):
    # per load, the reconciliation has the newest load time
    return {m: project.rows(f"select * from {m} order by all") for m in MARTS}


def test_batches_under_old_and_new_load_times_equal_a_full_refresh(warehouse):
    draw = random.Random(5)
    rows = []
    for batch in range(4):
        new = [
            (
                f"u{draw.randrange(6)}",
                # late, doubled within and across batches, and now and then without a time
                None
                if draw.random() < 0.05
                else BEFORE + timedelta(minutes=15 * draw.randrange(60)),
                # some were written late, under the load time of half a day before
                DAY + timedelta(days=batch, hours=draw.randrange(-12, 1)),
            )
            for _ in range(60)
        ]
        rows += new
        insert(warehouse, new)
        warehouse.run("run")
        incremental = told(warehouse)
        assert warehouse.row("select rows_read, is_balanced from event_reconciliation") == (
            len(rows),
            True,
        )
        distinct = len({r[:2] for r in rows if r[1] is not None})
        assert warehouse.row("select count(*) from fct_events") == (distinct,)
    warehouse.run("run")
    assert told(warehouse) == incremental, "a run without new rows changed something"
    warehouse.run("run", full_refresh=True)
    assert told(warehouse) == incremental


def test_a_row_under_a_load_time_long_past_is_refused(warehouse):
    insert(warehouse, [("ann", DAY, DAY), ("ann", DAY, DAY + timedelta(days=5))])
    warehouse.run("run")
    insert(warehouse, [("ann", DAY, DAY + timedelta(days=1))])
    said = warehouse.run("run", fails=True)
    assert "raw.events has changed where it was read before" in said
    assert "--full-refresh" in said
    warehouse.run("run", full_refresh=True)
    assert warehouse.row("select rows_read from event_reconciliation") == (3,)


def test_a_row_without_a_load_time_is_refused(warehouse):
    insert(warehouse, [("ann", DAY, DAY)])
    warehouse.run("run")
    insert(warehouse, [("ann", DAY, None)])
    assert "1 rows without a load time in loaded_at" in warehouse.run("run", fails=True)


def test_a_time_is_in_the_future_if_it_is_after_its_load_time(warehouse):
    insert(
        warehouse,
        [("ann", DAY + timedelta(minutes=60), DAY), ("ann", DAY + timedelta(minutes=61), DAY)],
    )
    warehouse.run("run")
    assert warehouse.rows("select reject_reason, event_time from rejected_events") == [
        ("in_the_future", "2025-06-01 01:01:00")
    ]
