"""A landing folder has the same messages after a compaction."""

import os
import random
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from support.heartbeats.messages import beat, payload, write
from support.project import WATCH_MARTS, Project

from dwell.landing import compaction
from dwell.landing.folder import Landing

FILES = 12


@pytest.fixture
def scene(tmp_path):
    """Landing files of heartbeats in two partitions, all loaded, and one that is not."""
    landing = Landing(tmp_path / "landing")
    project = Project(tmp_path, heartbeats_path=landing.pattern)

    def land(number):
        messages = [
            replace(beat(10 * number + i, 100 * number + 8 * i), partition=i % 2) for i in range(10)
        ]
        path = landing.folder / f"beats.{number:03}.parquet"
        write(path, messages, {m: payload(m, random.Random(1)) for m in messages})
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))

    for number in range(FILES):
        land(number)
    run(project)
    land(FILES)
    return project, landing


def run(project, **how):
    project.run("run", "--select", "stg_watch__heartbeat_rows+", **how)


def marts(project):
    return {mart: project.rows(f"from {mart} order by all") for mart in WATCH_MARTS}


def content(landing):
    with duckdb.connect() as connection:
        return connection.execute(
            'select "partition", "offset", payload from read_parquet(?) order by all',
            [landing.pattern],
        ).fetchall()


def test_small_files_are_merged_with_the_same_messages(scene):
    project, landing = scene
    before, reached = content(landing), landing.landed_offsets("beats")
    compaction.compact_folder(landing.folder, project.database, keep_days=1e9)
    names = sorted(path.name for path in landing.folder.glob("*.parquet"))
    # the one that is not loaded stays as it is
    assert names[0] == f"beats.{FILES:03}.parquet"
    assert [name.split(".")[1] for name in names[1:]] == ["together"]
    assert (landing.folder / names[1]).stat().st_mtime == 1_700_000_000 + FILES - 1
    assert content(landing) == before
    assert landing.landed_offsets("beats") == reached
    run(project)
    stored = marts(project)
    run(project, full_refresh=True)
    everything = marts(project)
    for mart in set(WATCH_MARTS) - {"heartbeat_reconciliation"}:
        assert stored[mart] == everything[mart]
    assert project.row(
        "select sum(rows_accepted), bool_and(is_balanced) from heartbeat_reconciliation"
    ) == (10 * (FILES + 1), True)


def test_nothing_counts_twice_if_it_dies_before_the_small_files_are_removed(scene, monkeypatch):
    project, landing = scene

    def die(path):
        raise KeyboardInterrupt(path)

    monkeypatch.setattr(Path, "unlink", die)
    with pytest.raises(KeyboardInterrupt):
        compaction.compact_folder(landing.folder, project.database, keep_days=1e9)
    monkeypatch.undo()
    assert len(list(landing.folder.glob("*.parquet"))) == FILES + 2
    run(project)
    stored = marts(project)
    compaction.compact_folder(landing.folder, project.database, keep_days=1e9)
    # none of them twice
    assert len(content(landing)) == len(set(content(landing))) == 10 * (FILES + 1)
    run(project)
    assert marts(project)["fct_watch_streams"] == stored["fct_watch_streams"]
    assert marts(project)["ongoing_watch_streams"] == stored["ongoing_watch_streams"]


def test_old_files_are_removed_except_the_last_of_a_partition(scene):
    project, landing = scene
    reached = landing.landed_offsets("beats")
    compaction.compact_folder(landing.folder, project.database, keep_days=0)
    # what is not loaded has the last messages here
    assert [path.name for path in landing.folder.glob("*.parquet")] == [f"beats.{FILES:03}.parquet"]
    assert landing.landed_offsets("beats") == reached
    run(project)
    compaction.compact_folder(landing.folder, project.database, keep_days=0)
    assert landing.landed_offsets("beats") == reached
    run(project)
    assert project.row("select sum(rows_accepted) from heartbeat_reconciliation") == (
        10 * (FILES + 1),
    )
    errors = project.run(
        "run", "--select", "stg_watch__heartbeat_rows+", full_refresh=True, fails=True
    )
    assert "a full refresh would lose" in errors
