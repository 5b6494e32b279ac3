"""A table is compared where the database has changed since both were equal, and nowhere else.

Totals are written by hand, as (streams, heartbeats, µs watched).
"""

from datetime import date, datetime, timedelta

import duckdb
import pytest
from support.kafka.streams_database import NOON, Stream, add, build
from support.written import written_as

from dwell.publishing.day_ranges import ALL, Range, cover_days
from dwell.warehouses import comparison

THE_18TH, THE_19TH, THE_20TH = (date(2025, 3, day) for day in (18, 19, 20))
ONE = (1, 2, 30_000_000)


class Table:
    """A warehouse's table of given totals, which records the ranges that were read."""

    kind, shard, name = "postgres", "main", "a table"

    def __init__(self, days):
        self.days, self.batch, self.ledger, self.read = days, 1, 7, []

    def last_load(self):
        return self.batch, self.ledger

    def read_totals(self, ranges):
        self.read.append(ranges)
        return {
            day: numbers
            for day, numbers in self.days.items()
            if any(first.date() <= day <= last.date() for first, last in ranges)
        }


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


class Scene:
    """A database of a stream a day, and a table that has them."""

    def __init__(self, folder):
        self.database = folder / "dwell.duckdb"
        days = (NOON, NOON + timedelta(days=1), NOON + timedelta(days=2))
        build(self.database, [Stream(f"s{at.day}", at) for at in days])
        self.table = Table(dict.fromkeys((THE_18TH, THE_19TH, THE_20TH), ONE))
        self.path = comparison.balance_path(self.database, self.table, "streams")

    def compare(self, full=False):
        """Return the days that differ, and the ranges that were read."""
        self.table.read = []
        with duckdb.connect(str(self.database), read_only=True) as connection:
            found = comparison.compare(connection, self.table, self.path, full)
        return found.wrong, self.table.read


def test_what_was_equal_and_has_not_changed_is_not_read_again(scene):
    assert scene.compare() == ({}, [ALL])
    assert scene.compare() == ({}, [])
    assert scene.compare(full=True) == ({}, [ALL])


def test_days_that_have_changed_are_read_and_no_others(scene):
    scene.compare()
    later = NOON + timedelta(days=1)
    add(scene.database, [Stream("s19", later, seconds=40), Stream("new", later)], "b", 2)
    scene.table.days[THE_19TH] = two = (2, 4, 70_000_000)
    assert scene.compare() == ({}, [cover_days([THE_19TH])])
    # the table has not got it
    scene.table.days[THE_19TH] = ONE
    add(scene.database, [Stream("late", later)], "c", 3)
    wrong = {THE_19TH: (ONE, (3, 6, 100_000_000))}
    assert scene.compare() == (wrong, [cover_days([THE_19TH])])
    # and it is read again until it has
    assert scene.compare() == (wrong, [cover_days([THE_19TH])])
    scene.table.days[THE_19TH] = (3, 6, 100_000_000)
    assert scene.compare() == ({}, [cover_days([THE_19TH])])
    assert scene.compare() == ({}, [])
    assert two != ONE


def test_a_day_that_only_the_table_has_is_read_until_it_is_gone(scene):
    the_1st = date(2025, 3, 1)
    scene.table.days[the_1st] = ONE
    wrong = {the_1st: (ONE, (0, 0, 0))}
    assert scene.compare() == (wrong, [ALL])
    assert scene.compare() == (wrong, [cover_days([the_1st])])
    del scene.table.days[the_1st]
    assert scene.compare() == ({}, [cover_days([the_1st])])
    assert scene.compare() == ({}, [])


def test_a_day_that_the_database_has_no_longer_is_read(scene):
    scene.compare()
    build(scene.database, [Stream("s18", NOON), Stream("s20", NOON + timedelta(days=2))], "b")
    wrong = {THE_19TH: (ONE, (0, 0, 0))}
    assert scene.compare() == (wrong, [cover_days([THE_19TH])])


@pytest.mark.parametrize("changed", [{"batch": 0}, {"ledger": 8}])
def test_a_table_that_was_restored_or_loaded_by_another_ledger_is_read_in_full(scene, changed):
    scene.compare()
    vars(scene.table).update(changed)
    assert scene.compare() == ({}, [ALL])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"days": {"x": [1, 2, 3]}}', '{"days": 1}'])
def test_a_file_that_cannot_be_parsed_is_ignored(scene, content):
    scene.compare()
    scene.path.write_text(content)
    assert scene.compare() == ({}, [ALL])


def test_bigquery_reads_the_partitions_of_these_days_only():
    table = written_as("bigquery", "dataset.streams", "merge")
    table.read_totals(cover_days([THE_18TH, date(2024, 1, 5)]))
    (sql,) = table.statements
    assert (
        "(began_at between timestamp '2024-01-05 00:00:00.000000+00:00' "
        "and timestamp '2024-01-05 23:59:59.999999+00:00' "
        "or began_at between timestamp '2025-03-18 00:00:00.000000+00:00' "
        "and timestamp '2025-03-18 23:59:59.999999+00:00')"
    ) in sql


def test_of_a_history_a_day_more_is_read_for_what_began_otherwise_before():
    """By a timeout of a day at most, two revisions began at most a day apart."""
    table = written_as("bigquery", "dataset.history", "append")
    noon = datetime(2025, 3, 18, 12)
    table.read_totals((Range(noon, noon),))
    (sql,) = table.statements
    inner = "between timestamp '2025-03-17 12:00:00.000000+00:00' and timestamp '2025-03-19 12:00:"
    assert inner in sql and "between timestamp '2025-03-18 12:00:00.000000+00:00'" in sql
