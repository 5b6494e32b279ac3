"""A relation with a load-time column is read from where the last run stopped, and a day before."""

import random
import re
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from support.project import MARTS, Project

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
    assert "1 row without a load time in loaded_at" in warehouse.run("run", fails=True)


def test_a_time_is_in_the_future_if_it_is_after_its_load_time(warehouse):
    insert(
        warehouse,
        [("ann", DAY + timedelta(minutes=60), DAY), ("ann", DAY + timedelta(minutes=61), DAY)],
    )
    warehouse.run("run")
    assert warehouse.rows("select reject_reason, event_time from rejected_events") == [
        ("in_the_future", "2025-06-01 01:01:00")
    ]


def at(seconds):
    """A moment so many seconds from now, as a loader's clock has it."""
    return datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=seconds)


def run(project, **how):
    """Run what stores rows and accounts for them, and nothing that costs more."""
    events = (
        *("int_web__events_sessionized", "int_web__sessions", "int_web__sessions_numbered"),
        *("fct_events", "event_reconciliation"),
    )
    heartbeats = ("stg_watch__heartbeats", "int_watch__streams", "heartbeat_reconciliation")
    of_input = events if "events_relation" in project.settings else heartbeats
    return project.run("run", "--select", *of_input, **how)


def test_rows_loaded_within_the_settle_time_are_left_to_the_next_run(warehouse):
    warehouse.settings["load_settle_seconds"] = 30
    settled, fresh = at(-31), at(-1)
    insert(warehouse, [("ann", DAY, settled), ("bea", DAY, fresh)])
    run(warehouse)
    assert warehouse.rows("select user_id from fct_events") == [("ann",)]
    # committed late, before a row that is there already
    insert(warehouse, [("cid", DAY, fresh - timedelta(seconds=2)), ("dan", DAY, at(31))])
    run(warehouse)
    # a load time has settled, too, once a newer one is past it
    assert warehouse.rows("select user_id from fct_events order by 1") == [
        ("ann",),
        ("bea",),
        ("cid",),
    ]
    assert warehouse.row("select rows_read, is_balanced from event_reconciliation") == (3, True)


def test_the_bounds_of_what_is_read_are_literals(warehouse):
    """A bound that is a subquery prunes nothing on BigQuery."""
    insert(warehouse, [("ann", DAY, DAY)])
    run(warehouse)
    insert(warehouse, [("bea", DAY, DAY + timedelta(hours=1))])
    run(warehouse)
    path = "target/compiled/dwell/models/intermediate/web/int_web__events_sessionized.sql"
    compiled = " ".join((warehouse.folder / path).read_text().split())
    (where,) = re.findall(r"as their_rows where (.*?) \) as typed", compiled)
    assert re.sub(r"timestamp '([^']*)'", r"\1", where).split(" and ") == [
        'cast("loaded_at" as timestamp) > 2025-05-31 00:00:00.000000',
        'cast("loaded_at" as timestamp) <= 2025-06-01 01:00:00.000000',
    ]


HEARTBEAT = ("ann", "p", "2025-06-01T00:00:00Z", "s", "tv")


@pytest.fixture
def heartbeats(tmp_path):
    project = Project(
        tmp_path, heartbeats_relation="raw.heartbeats", heartbeats_loaded_at="loaded_at"
    )
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create schema raw")
        connection.execute(
            """create table raw.heartbeats (user_id text, program_id text, start_time text,
            session_id text, device text, event_time text, loaded_at timestamp)"""
        )
    return project


def beat(project, seconds, loaded_at):
    """Insert a heartbeat so many seconds after the stream began."""
    moment = DAY + timedelta(seconds=seconds)
    with duckdb.connect(str(project.database)) as connection:
        connection.execute(
            "insert into raw.heartbeats values (?, ?, ?, ?, ?, ?, ?)",
            [*HEARTBEAT, moment.isoformat() + "Z", loaded_at],
        )


def streams(project):
    return project.rows("select last_heartbeat_at, heartbeats from int_watch__streams order by all")


def test_a_heartbeat_committed_late_under_a_load_time_of_its_own_is_loaded(heartbeats):
    beat(heartbeats, 4, DAY)
    beat(heartbeats, 8, DAY + timedelta(minutes=1))
    run(heartbeats)
    beat(heartbeats, 12, DAY + timedelta(seconds=59))
    run(heartbeats)
    assert streams(heartbeats) == [(DAY + timedelta(seconds=12), 3)]
    run(heartbeats)
    assert streams(heartbeats) == [(DAY + timedelta(seconds=12), 3)]
    assert heartbeats.row(
        "select sum(rows_read), bool_and(is_balanced) from heartbeat_reconciliation"
    ) == (3, True)


def test_a_heartbeat_committed_late_under_a_load_time_that_was_read_is_named(heartbeats):
    beat(heartbeats, 4, DAY)
    run(heartbeats)
    beat(heartbeats, 8, DAY)
    said = run(heartbeats, fails=True)
    assert "raw.heartbeats has 2 rows with the load time 2025-06-01 00:00:00" in said
    assert "of which 1 were read" in said and "--full-refresh" not in said
    # what the error says to do
    with duckdb.connect(str(heartbeats.database)) as connection:
        connection.execute(
            "update raw.heartbeats set loaded_at = ? where event_time like '%:08Z'", [at(-61)]
        )
    run(heartbeats)
    assert streams(heartbeats) == [(DAY + timedelta(seconds=8), 2)]


def test_a_heartbeat_that_is_gone_is_refused(heartbeats):
    beat(heartbeats, 4, DAY)
    beat(heartbeats, 8, DAY)
    run(heartbeats)
    with duckdb.connect(str(heartbeats.database)) as connection:
        connection.execute("delete from raw.heartbeats where event_time like '%:08Z'")
    assert "some are gone" in run(heartbeats, fails=True)
    run(heartbeats, full_refresh=True)
    assert streams(heartbeats) == [(DAY + timedelta(seconds=4), 1)]


def test_heartbeats_more_than_a_day_late_are_refused(heartbeats):
    beat(heartbeats, 4, DAY)
    beat(heartbeats, 8, DAY + timedelta(days=3))
    run(heartbeats)
    beat(heartbeats, 12, DAY + timedelta(days=1))
    said = run(heartbeats, fails=True)
    assert "raw.heartbeats has changed where it was read before" in said
    assert "give them a new one" in said
