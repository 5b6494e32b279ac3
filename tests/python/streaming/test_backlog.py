"""A backlog is loaded in bounded steps, with the same result as in one step."""

from datetime import timedelta

import pytest
from support.kafka.listener import Scene, at, beats
from support.kafka.published import current_streams, truth

from dwell.sample.heartbeats import Plan, messages

# but for those of its cases that are called late, heartbeats arrive late by a second or two at most
PLAN = Plan(viewers=30, minutes=20, late=0, broken=0.002, wrong_clocks=0)
PARTITIONS = 3


def land_backlog(scene):
    """Land a simulation: partitions in files of different lengths, the last one landing first."""
    sent = list(messages(PLAN))
    moment = max(m.received_at for m in sent)
    for partition in reversed(range(PARTITIONS)):
        mine = [
            (at_ms(m.received_at), m.payload.encode())
            for m in sent
            if sum(m.key.encode()) % PARTITIONS == partition
        ]
        size = (150, 400, 1000)[partition]
        for first in range(0, len(mine), size):
            scene.land(mine[first : first + size], partition, share=(partition, PARTITIONS))
    return at_ms(moment) + timedelta(hours=1), len(sent)


def at_ms(milliseconds):
    return at("0:00") + (timedelta(milliseconds=milliseconds) - timedelta(milliseconds=NOON_MS))


NOON_MS = 1_735_732_800_000


def step_to_the_end(scene, now, after_step=lambda: None):
    """Step until nothing waits; return how many messages each step loaded."""
    loaded = []
    while not loaded or scene.rows("from dwell_heartbeats_waiting"):
        scene.step(now)
        (total,) = scene.rows("select sum(rows_read) from heartbeat_reconciliation")[0]
        loaded.append(int(total) - sum(loaded))
        after_step()
        assert len(loaded) < 100
    return loaded


@pytest.mark.parametrize("restarts", [False, True])
def test_a_backlog_of_many_steps_gives_the_truth(tmp_path, restarts):
    scene = Scene(tmp_path, settings={"heartbeats_max_messages_per_run": 1_000})
    now, sent = land_backlog(scene)

    def check():
        # a stream that is published too early is wrong, and would be corrected or retracted later
        records = [r for r in scene.published() if not r["session_id"].startswith("s-late_")]
        assert all(r["revision"] == 1 and not r["is_retracted"] for r in records)
        assert not current_streams(records) - truth(PLAN)
        if restarts:
            scene.start()

    loaded = step_to_the_end(scene, now, check)
    assert sum(loaded) == sent
    assert len(loaded) >= sent / 1_000
    assert all(0 < messages <= 1_000 for messages in loaded)
    scene.step(now)
    assert current_streams(scene.published()) == truth(PLAN)


def test_streams_are_published_while_a_backlog_is_loaded(tmp_path):
    scene = Scene(tmp_path, settings={"heartbeats_max_messages_per_run": 1_000})
    now, _ = land_backlog(scene)
    published = []
    step_to_the_end(scene, now, lambda: published.append(len(scene.published())))
    assert len(set(published)) > len(published) / 2


def two_partitions(scene):
    """Partition 0 has landed in one file, partition 1 in three; each has a heartbeat a second."""
    scene.land(beats("a", "0:00", "9:59", every=1), 0)
    for minutes in ("0:00", "3:19"), ("3:20", "6:39"), ("6:40", "9:59"):
        scene.land(beats("b", *minutes, every=1), 1)


def test_the_watermark_waits_for_the_partition_that_is_behind(tmp_path):
    scene = Scene(tmp_path, settings={"heartbeats_max_messages_per_run": 800})
    two_partitions(scene)
    seen = []
    for _ in range(3):
        scene.step(at("20:00"))
        seen.append(
            (
                *scene.rows(
                    "select messages, complete_to, is_rebuilding from dwell_heartbeats_waiting"
                ),
                *scene.rows("select watermark_at from int_watch__watermark"),
                scene.listener.ongoing_count,
            )
        )
    assert seen == [
        # of partition 1, the first file; partition 0 is ahead by 6:40
        ((400, at("3:20"), True), (at("3:20"),), 2),
        ((at("20:00"),), 0),
        ((at("20:00"),), 0),
    ]
    assert scene.streams() == [("a", "0:00", "9:59"), ("b", "0:00", "9:59")]


def test_a_file_over_the_bound_is_loaded_alone(tmp_path):
    scene = Scene(tmp_path, settings={"heartbeats_max_messages_per_run": 100})
    two_partitions(scene)
    assert step_to_the_end(scene, at("20:00")) == [600, 200, 200, 200]
    assert scene.streams() == [("a", "0:00", "9:59"), ("b", "0:00", "9:59")]


def test_a_rebuild_in_steps_retracts_nothing(tmp_path):
    scene = Scene(tmp_path)
    two_partitions(scene)
    scene.step(at("20:00"))
    scene.step(at("20:00"))
    published = scene.published()
    assert len(published) == 2
    bound = {"heartbeats_max_messages_per_run": 300}
    scene.dbt.settings |= bound
    models = ("--select", "stg_watch__heartbeat_rows+", "--full-refresh")
    assert scene.dbt.run("run", *models).success
    scene.start(settings=bound)
    assert step_to_the_end(scene, at("20:00")) == [800, 200, 200]
    scene.step(at("20:00"))
    assert scene.published() == published


def test_files_without_offsets_are_not_bounded(project, tmp_path):
    header = "user_id,program_id,start_time,session_id,device,event_time\n"
    rows = "u,p,2025-01-01T10:00:00Z,s,tv,2025-01-01T10:00:00Z\n" * 50
    for number in range(3):
        (tmp_path / f"{number}.csv").write_text(header + rows)
    of = project(heartbeats_path=f"{tmp_path}/*.csv", heartbeats_max_messages_per_run=10)
    of.run("run", "--select", "stg_watch__heartbeat_rows+")
    assert of.row("select sum(rows_read) from heartbeat_reconciliation") == (150,)


def test_the_watermark_does_not_go_back(tmp_path):
    """After a restart, the known watermark may be lower; changes are published all the same."""
    scene = Scene(tmp_path)
    scene.land(beats("a", "0:00", "1:00"))
    scene.step(at("10:00"))
    scene.step(at("10:00"))
    assert scene.streams() == [("a", "0:00", "1:00")]
    scene.land(beats("late", "2:00", "3:00"))
    scene.step(at("3:10"))
    scene.step(at("10:10"))
    assert scene.streams() == [("a", "0:00", "1:00"), ("late", "2:00", "3:00")]
