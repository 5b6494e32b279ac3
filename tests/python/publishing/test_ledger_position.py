"""A new process compares what is new in the database that the ledger knows, or all of another.

Expected batches are written by hand, as (session, revision, is_retracted).
"""

import shutil
from datetime import datetime, timedelta

import duckdb
import pytest
from support.kafka.streams_database import LATER, NOON, Stream, add, build, change

from dwell.publishing import statements
from dwell.publishing.day_ranges import Range
from dwell.publishing.ledger import Ledger

SINK = "a sink"
FAR = datetime(9999, 1, 1)


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


class Scene:
    """A database and its ledger, which each comparison opens as a new process does."""

    def __init__(self, folder):
        self.database, self.path = folder / "dwell.duckdb", folder / "ledger.duckdb"

    def compare(self, due_before=FAR, timeout=60):
        """Compare as a new process does; return what is to be published."""
        ledger = Ledger(self.path, SINK)
        ledger.write_down(self.database, timeout, due_before)
        with duckdb.connect(str(self.path)) as connection:
            found = connection.execute(
                "select session_id, revision, is_retracted from publications where batch in "
                "(select batch from batches where published_at is null) order by all"
            ).fetchall()
        for batch in ledger.pending_batches():
            ledger.mark_published(batch)
        return found


def test_a_new_process_does_not_compare_what_an_earlier_one_has(scene):
    build(scene.database, [Stream("a"), Stream("b")])
    assert scene.compare() == [("a", 1, False), ("b", 1, False)]
    # a change that no load made would be found by comparing, and is not
    change(scene.database, "update int_watch__streams set heartbeats = 9 where session_id = 'a'")
    assert scene.compare() == []
    add(scene.database, [Stream("b", seconds=40), Stream("c")], "b", 2)
    assert scene.compare() == [("b", 2, False), ("c", 1, False)]
    assert scene.compare() == []


def test_what_ends_by_time_alone_is_found_by_a_new_process(scene):
    build(scene.database, [Stream("a"), Stream("b", NOON + timedelta(hours=1))])
    change(
        scene.database,
        f"update int_watch__watermark set watermark_at = '{NOON + timedelta(minutes=5)}'",
    )
    assert scene.compare() == [("a", 1, False)]
    change(scene.database, f"update int_watch__watermark set watermark_at = '{LATER}'")
    assert scene.compare() == [("b", 1, False)]


def test_another_database_with_the_same_numbers_is_compared_in_full(scene):
    build(scene.database, [Stream("a"), Stream("b")], "a")
    scene.compare()
    scene.database.unlink()
    build(scene.database, [Stream("b"), Stream("c")], "another")
    assert scene.compare() == [("a", 2, True), ("c", 1, False)]
    assert scene.compare() == []


def test_a_database_that_was_restored_and_went_on_is_compared_in_full(scene, tmp_path):
    build(scene.database, [Stream("a")])
    shutil.copy(scene.database, tmp_path / "copy.duckdb")
    add(scene.database, [Stream("b")], "b", 2)
    assert scene.compare() == [("a", 1, False), ("b", 1, False)]
    shutil.copy(tmp_path / "copy.duckdb", scene.database)
    add(scene.database, [Stream("c")], "another b", 2)
    assert scene.compare() == [("b", 2, True), ("c", 1, False)]


def test_a_database_that_was_restored_is_compared_in_full(scene, tmp_path):
    build(scene.database, [Stream("a")])
    shutil.copy(scene.database, tmp_path / "copy.duckdb")
    add(scene.database, [Stream("a", seconds=60), Stream("b")], "b", 2)
    assert scene.compare() == [("a", 1, False), ("b", 1, False)]
    shutil.copy(tmp_path / "copy.duckdb", scene.database)
    assert scene.compare() == [("a", 2, False), ("b", 2, True)]


def test_a_database_that_was_built_from_scratch_is_compared_in_full(scene):
    build(scene.database, [Stream("a"), Stream("b")])
    scene.compare()
    # a full refresh continues the numbers of loads, and forgets earlier loads
    build(scene.database, [Stream("b")], "b", 2)
    assert scene.compare() == [("a", 2, True)]


def test_another_timeout_compares_everything(scene):
    build(scene.database, [Stream("a")])
    scene.compare()
    change(scene.database, "update int_watch__streams set heartbeats = 9")
    assert scene.compare(timeout=30) == [("a", 2, False)]


def test_an_adopted_ledger_compares_everything(scene):
    build(scene.database, [Stream("a"), Stream("b")])
    scene.compare()
    Ledger(scene.path, SINK).adopt([], 7, 1)
    assert scene.compare() == [("a", 1, False), ("b", 1, False)]


def test_a_longer_grace_loses_no_late_stream(scene):
    """It makes the moment earlier by which a stream must have ended to be published."""
    build(scene.database, [Stream("a", NOON + timedelta(hours=2))])
    assert scene.compare(due_before=NOON + timedelta(hours=3)) == [("a", 1, False)]
    # comes late, and is not to be published yet
    add(scene.database, [Stream("b", NOON + timedelta(hours=1))], "b", 2)
    assert scene.compare(due_before=NOON) == []
    assert scene.compare(due_before=NOON + timedelta(hours=3)) == [("b", 1, False)]


def test_the_position_is_kept_with_its_batches_or_not_at_all(scene, monkeypatch):
    build(scene.database, [Stream("a")])
    with monkeypatch.context() as patch:
        patch.setattr(statements, "SET_POSITION", "select error('killed')")
        with pytest.raises(duckdb.Error, match="killed"):
            scene.compare()
    assert Ledger(scene.path, SINK).pending_batches() == []
    assert scene.compare() == [("a", 1, False)]


def records_of(scene, tmp_path, batch):
    ledger = Ledger(scene.path, SINK)
    return ledger.write_records(batch, tmp_path / "batch.parquet", "main", NOON, False)


def days(first, last):
    return Range(first, last + timedelta(days=1, microseconds=-1))


def test_an_old_start_time_is_no_bound_of_a_batch(scene, tmp_path):
    """Viewing began with the first heartbeat, after a pause of 25 years."""
    build(
        scene.database,
        [
            Stream("resumed", start=datetime(2000, 1, 1)),
            Stream("usual"),
            Stream("late", datetime(2024, 1, 5, 20)),
        ],
    )
    scene.compare()
    found = records_of(scene, tmp_path, 1)
    the_18th, the_5th = datetime(2025, 3, 18), datetime(2024, 1, 5)
    assert found.ranges == (days(the_5th, the_5th), days(the_18th, the_18th))
    assert len(found) == 3


def test_a_batch_covers_the_day_on_which_a_stream_began_before(scene, tmp_path):
    """By a timeout of 60 s it began at its start, and by one of 30 s with its first heartbeat."""
    start, first = datetime(2025, 3, 17, 23, 59, 30), datetime(2025, 3, 18, 0, 0, 10)
    build(scene.database, [Stream("a", first, start=start, began=start)])
    scene.compare()
    build(scene.database, [Stream("a", first, start=start, began=first)], "b", 2, timeout=30)
    assert scene.compare(timeout=30) == [("a", 2, False)]
    both = days(datetime(2025, 3, 17), datetime(2025, 3, 18))
    assert records_of(scene, tmp_path, 2).ranges == (both,)


def test_a_batch_covers_the_day_of_a_stream_that_is_retracted(scene, tmp_path):
    build(scene.database, [Stream("a", datetime(2024, 1, 5, 20)), Stream("b")])
    scene.compare()
    build(scene.database, [Stream("b")], "b", 2)
    assert scene.compare() == [("a", 2, True)]
    the_5th = datetime(2024, 1, 5)
    assert records_of(scene, tmp_path, 2).ranges == (days(the_5th, the_5th),)
