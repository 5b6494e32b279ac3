"""An id from the input distinguishes events that are equal otherwise."""

import csv
import os

import duckdb
import pytest
from support.events import HEADER, MODIFIED
from support.project import MARTS, Project

CLICK = ("click", "ann", "1.0", "2025-01-01 10:00:00", "phone", "web")
MODELS = ("--select", "+fct_sessions", "+rejected_events", "event_reconciliation")
COLUMNS = {"event_id": "messageId"}
COUNTS = "select rows_read, rows_accepted, rows_duplicate from event_reconciliation"


def write(path, ids, row=CLICK):
    """Write the same event once for each id."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([(*HEADER, "messageId"), *((*row, i) for i in ids)])
    os.utime(path, (MODIFIED, MODIFIED))


def marts(project):
    project.run("run")
    return {mart: project.rows(f"select * from {mart} order by all") for mart in MARTS}


def test_clicks_of_one_second_are_distinct_whatever_file_they_come_in(tmp_path):
    project = Project(tmp_path, events_path=f"{tmp_path}/*.csv", events_columns=COLUMNS)
    write(tmp_path / "a.csv", ["1", "2", "3", "1"])
    project.run("run", *MODELS)
    assert project.row(COUNTS) == (4, 3, 1)
    # one that was sent again, one that is new, and two without an id, which are equal
    write(tmp_path / "b.csv", ["2", " 4 ", "", ""])
    incremental = marts(project)
    counts = "select sum(rows_read), sum(rows_accepted), sum(rows_duplicate) from "
    assert project.row(counts + "event_reconciliation") == (8, 5, 3)
    assert project.rows("select event_count from fct_sessions") == [(5,)]
    assert (
        "exact duplicates counted once, event_id included"
        in project.row("select string_agg(assumption, '') from product_answers")[0]
    )
    project.run("run", full_refresh=True)
    assert marts(project) == incremental


def test_an_id_is_read_where_a_setting_names_it(tmp_path):
    project = Project(tmp_path, events_path=f"{tmp_path}/*.csv")
    write(tmp_path / "a.csv", ["1", "2"])
    project.run("run", *MODELS)
    assert project.row(COUNTS) == (2, 1, 1)
    project.settings["events_columns"] = {"event_id": "message"}
    assert "has no column message" in project.run("run", fails=True, full_refresh=True)


def test_a_row_that_is_rejected_keeps_its_id(tmp_path):
    project = Project(tmp_path, events_path=f"{tmp_path}/*.csv", events_columns=COLUMNS)
    project.settings["max_rejected_ratio"] = 1
    write(tmp_path / "a.csv", ["m1"], row=(*CLICK[:3], "never", *CLICK[4:]))
    project.run("run", *MODELS)
    assert project.rows("select reject_reason from rejected_events") == [("unreadable_event_time",)]
    (row,) = project.row("select rejected_row from int_web__events_sessionized")
    assert '"event_id":"m1"' in row


@pytest.mark.parametrize("loaded", ["11:00", "12:00", "13:00"])
def test_a_relation_that_is_read_again_counts_each_id_once(tmp_path, loaded):
    project = Project(
        tmp_path,
        events_relation="raw.events",
        events_loaded_at="loaded_at",
        events_columns=COLUMNS,
        load_settle_seconds=0,
    )

    def insert(*rows):
        with duckdb.connect(str(project.database)) as connection:
            connection.executemany(
                """insert into raw.events values ('click', 'ann', '1.0',
                timestamp '2025-01-01 10:00:00', 'phone', 'web', ?, ?::timestamp)""",
                rows,
            )

    with duckdb.connect(str(project.database)) as connection:
        columns = ", ".join(f"{c} {'timestamp' if c == 'event_time' else 'text'}" for c in HEADER)
        connection.execute("create schema raw")
        connection.execute(
            f'create table raw.events ({columns}, "messageId" text, loaded_at timestamp)'
        )
    insert(("1", "2025-06-01 12:00"), ("2", "2025-06-01 12:00"))
    project.run("run", *MODELS)
    # one row more, which comes first in the table, under a load time that was read or a new one
    insert(("3", f"2025-06-01 {loaded}"))
    with duckdb.connect(str(project.database)) as connection:
        connection.execute(
            """create or replace table raw.events as
            from raw.events order by "messageId" desc"""
        )
    incremental = marts(project)
    assert project.rows("select event_count from fct_sessions") == [(3,)]
    ids = "select event_id from int_web__events_sessionized order by all"
    assert project.rows(ids) == [("1",), ("2",), ("3",)]
    project.run("run", full_refresh=True)
    assert marts(project) == incremental
