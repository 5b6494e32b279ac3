"""Landing files arrive, are merged, and are removed; their offsets stay known."""

import os

import pytest
from support.kafka.landing import land, payload
from support.project import Project

BATCH = ("--select", "+stg_watch__heartbeats", "int_watch__streams+")
RECONCILED = """
    select topic_partition, first_offset, last_offset, rows_read, rows_accepted, rows_rejected,
        rows_redelivered, is_balanced
    from heartbeat_reconciliation order by all
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("parsed"), heartbeats_path="none").manifest()


@pytest.fixture
def landing(parsed, tmp_path):
    """A project over a landing folder; `land` writes there, `run` runs it."""
    return Landing(tmp_path, parsed)


class Landing(Project):
    def __init__(self, folder, parsed):
        super().__init__(folder, heartbeats_path=f"{folder}/landing/*.parquet")
        self._manifest = parsed
        (folder / "landing").mkdir()

    def path(self, name):
        return self.folder / "landing" / f"{name}.parquet"

    def land(self, name, offsets, partition=0, **fields):
        """Write a heartbeat of one stream at each offset, or what `fields` make of it."""
        return land(self.path(name), {("t", partition, i): payload(**fields) for i in offsets})

    def remove(self, *names):
        for name in names:
            self.path(name).unlink()

    def run(self, **how):
        return super().run("run", *BATCH, **how)

    def heartbeats(self):
        return self.row("select coalesce(sum(heartbeats), 0) from int_watch__streams")[0]

    def loaded(self):
        return [
            source.rsplit("/", 1)[-1].removesuffix(".parquet")
            for (source,) in self.rows("select source from dwell_heartbeat_loads order by all")
        ]

    def offset_ranges(self):
        return self.rows(
            """select topic_partition, first_offset, last_offset, rows_landed
            from dwell_heartbeats_landed order by all"""
        )


def test_a_file_of_known_messages_is_not_parsed(landing):
    """It holds other payloads than those that were loaded, which only parsing shows."""
    landing.land("a", range(3))
    landing.land("b", range(3, 5))
    landing.run()
    landing.land("together", range(5), user_id="another")
    landing.remove("a", "b")
    landing.run()
    assert landing.rows("select user_id, heartbeats from int_watch__streams") == [("u", 5)]
    assert landing.row("select count(*) from stg_watch__heartbeats") == (0,)
    assert landing.rows(RECONCILED) == [(0, 0, 4, 10, 5, 0, 5, True)]
    # it is loaded
    assert "together" in landing.loaded()
    landing.run()
    assert landing.rows(RECONCILED) == [(0, 0, 4, 10, 5, 0, 5, True)]
    landing.land("together", range(5))
    os.utime(landing.path("together"), (1, 1))
    assert "has changed since it was loaded" in landing.run(fails=True)
    landing.land("together", range(5), user_id="another")
    # and a full refresh parses it
    landing.run(full_refresh=True)
    assert landing.rows("select user_id, heartbeats from int_watch__streams") == [("another", 5)]
    assert landing.rows(RECONCILED) == [(0, 0, 4, 5, 5, 0, 0, True)]


def test_new_messages_of_a_file_that_is_known_in_part_are_loaded(landing):
    landing.land("a", range(3))
    landing.run()
    landing.land("more", range(5))
    landing.run()
    assert landing.heartbeats() == 5
    assert landing.rows(RECONCILED) == [(0, 0, 4, 8, 5, 0, 3, True)]
    # of one partition, all; of another, nothing
    land(
        landing.path("two"),
        {("t", partition, i): payload() for partition in (0, 1) for i in (3, 4)},
    )
    landing.run()
    assert landing.heartbeats() == 7
    assert landing.rows(RECONCILED) == [(0, 0, 4, 10, 5, 0, 5, True), (1, 3, 4, 2, 2, 0, 0, True)]


def test_known_files_and_new_ones_come_together(landing):
    landing.land("a", range(3))
    landing.run()
    landing.land("known", range(1, 3))
    landing.land("new", range(3, 5))
    landing.land("rejected", range(5, 7), device=[])
    landing.run()
    assert landing.heartbeats() == 5
    assert landing.rows(RECONCILED) == [(0, 0, 6, 9, 5, 2, 2, True)]
    # a gap is no known message
    landing.land("far", [20])
    landing.run()
    landing.land("between", range(7, 20))
    landing.run()
    assert landing.rows(RECONCILED) == [(0, 0, 20, 23, 19, 2, 2, True)]


def test_adjacent_offset_ranges_become_one(landing):
    for name, offsets, partition in (
        ("a", range(3), 0),
        ("c", range(6, 9), 0),
        ("d", range(9, 10), 0),
        ("e", range(3, 6), 1),
    ):
        landing.land(name, offsets, partition)
        landing.run()
    # the missing offsets may arrive later
    assert landing.offset_ranges() == [(0, 0, 2, 3), (0, 6, 9, 4), (1, 3, 5, 3)]
    landing.land("b", range(3, 6))
    landing.run()
    assert landing.offset_ranges() == [(0, 0, 9, 10), (1, 3, 5, 3)]
    assert landing.heartbeats() == 13
    assert landing.row("select max(newest_event_at) from dwell_heartbeats_landed") == landing.row(
        "select timestamp '2025-01-01 10:00'"
    )


def test_removed_files_are_forgotten_and_their_messages_are_not(landing):
    for number in range(4):
        landing.land(
            f"{number}", range(number * 3, number * 3 + 3), device=[] if number == 1 else "tv"
        )
        landing.run()
    rejected = landing.rows("from rejected_heartbeats order by all")
    assert len(rejected) == 3
    landing.remove("0", "1", "2", "3")
    landing.run()
    # the newest shows that the folder was in use, and which number is next
    assert landing.loaded() == ["3"]
    assert landing.heartbeats() == 9
    assert landing.rows("from rejected_heartbeats order by all") == rejected
    assert landing.rows(RECONCILED) == [(0, 0, 11, 12, 9, 3, 0, True)]
    landing.land("4", range(12, 14))
    landing.run()
    assert landing.loaded() == ["3", "4"]
    assert landing.row(
        "select max(source_number), max(load_number) from dwell_heartbeat_loads"
    ) == (
        5,
        5,
    )
    # a file that returns is known by its offsets
    landing.land("0", range(3))
    landing.run()
    assert landing.heartbeats() == 11
    assert landing.rows(RECONCILED) == [(0, 0, 13, 17, 11, 3, 3, True)]


def test_a_full_refresh_that_would_lose_messages_names_them(landing):
    for name, offsets, partition in (
        ("a", range(10), 0),
        ("b", range(10, 20), 0),
        ("c", range(5), 1),
        ("d", [7], 2),
    ):
        landing.land(name, offsets, partition)
    landing.run()
    landing.remove("a", "b", "c", "d")
    landing.run()
    before = landing.rows(RECONCILED)

    def lost():
        errors = landing.run(fails=True, full_refresh=True)
        assert landing.rows(RECONCILED) == before
        return errors.split("a full refresh would lose the heartbeats of ")[1].split(": loaded")[0]

    everything = "t (partition 0, offsets 0 to 19), t (partition 1, offsets 0 to 4)"
    assert lost() == f"{everything}, t (partition 2, offset 7)"
    landing.land("middle", range(5, 12))
    landing.land("d", [7], 2)
    assert lost() == (
        "t (partition 0, offsets 0 to 4), t (partition 0, offsets 12 to 19), "
        "t (partition 1, offsets 0 to 4)"
    )
    # among other messages, all of them are there again
    landing.land("late", range(12, 30))
    landing.land("one", range(6), 1)
    landing.land("early", range(5))
    landing.run(full_refresh=True)
    assert landing.heartbeats() == 30 + 6 + 1


def test_a_full_refresh_that_would_lose_many_messages_names_some(landing):
    for number in range(13):
        landing.land(f"{number}", [number * 2])
    landing.run()
    landing.remove(*range(13))
    errors = landing.run(fails=True, full_refresh=True)
    assert "(partition 0, offset 18) and 3 more: loaded before" in errors


def test_landing_files_in_another_folder_are_another_input(landing, tmp_path):
    landing.land("a", range(3))
    landing.run()
    (tmp_path / "other").mkdir()
    land(tmp_path / "other" / "b.parquet", {5: payload()})
    landing.settings = {"heartbeats_path": f"{tmp_path}/other/*.parquet"}
    assert "no longer names it" in landing.run(fails=True)
    # they are there: nothing is lost
    landing.run(full_refresh=True)
    assert landing.heartbeats() == 1


def test_watermark_overrides_are_one_row(landing):
    landing.land("a", range(3))
    for as_of, expected in (("12:00", "12:00"), ("11:00", "12:00"), ("12:30", "12:30")):
        landing.settings = landing.settings | {"watch_as_of": f"2025-01-01T{as_of}:00Z"}
        landing.run()
        assert landing.rows("select strftime(as_of, '%H:%M') from dwell_watch_as_of") == [
            (expected,)
        ]
