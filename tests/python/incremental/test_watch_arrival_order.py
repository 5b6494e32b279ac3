"""After any sequence of runs, every mart of streams is what a full refresh and the oracle give.

Landing files hold offset ranges of a topic's partitions; they arrive in any order, some of them
again inside larger ones, as after a compaction. Heartbeats are late, sent twice, broken, or from a
player whose time is wrong, and their times lie at every edge of the timeout.
"""

import os
import random
import shutil
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.heartbeats.messages import draw_files, draw_messages, payload, time, write
from support.oracles.streams import MICRO, streams_of
from support.project import WATCH_MARTS, Project

HEARTBEATS = "stg_watch__heartbeat_rows+"
# what the oracle knows; each run rebuilds the other marts from it
STREAMS = ("+fct_watch_streams", "+ongoing_watch_streams")
STREAMS += ("rejected_heartbeats", "heartbeat_reconciliation")
STREAMS += ("watch_concurrency", "+daily_watch_time")
met = Counter()


def stored(project, mart):
    return project.rows(f"from {mart} order by all")


@pytest.mark.parametrize("timeout", [60, 30.5])
def test_any_arrival_order_equals_a_full_refresh_and_the_oracle(timeout, tmp_path_factory):
    folder = tmp_path_factory.mktemp("watch")
    landing, other = folder / "landing", folder / "full" / "dwell.duckdb"
    other.parent.mkdir()
    project = Project(
        folder,
        heartbeats_path=f"{landing}/*.parquet",
        watch_timeout_seconds=timeout,
        reporting_timezone="Asia/Kolkata",
    )
    database = project.database

    @settings(
        max_examples=int(os.environ.get("DWELL_EXAMPLES", "1")) * 2,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.integers(0, 2**32))
    def check(seed):
        draw = random.Random(f"{seed} {timeout}")
        messages = list(draw_messages(draw))
        payloads = {m: payload(m, draw) for m in messages}
        shutil.rmtree(landing, ignore_errors=True)
        landing.mkdir()
        for path in (database, other):
            path.unlink(missing_ok=True)
        arrived, before = {}, []
        files = list(draw_files(draw, messages))
        for number, content in enumerate(files):
            write(landing / f"{draw.randrange(10**6)}.parquet", content, payloads)
            redelivered = sum(m in arrived for m in content)
            arrived |= dict.fromkeys(content)
            project.run("run", "--select", *(STREAMS if content is not files[-1] else [HEARTBEATS]))
            streams = compare_with_oracle(project, list(arrived), timeout * MICRO)
            count_what_was_met(before, streams, redelivered, number)
            before = streams
        incremental = {mart: stored(project, mart) for mart in WATCH_MARTS}
        project.database = other
        project.run("run", "--select", HEARTBEATS, full_refresh=True)
        for mart in WATCH_MARTS:
            assert incremental[mart] == stored(project, mart), mart
        project.database = database

    check()


def compare_with_oracle(project, arrived, timeout):
    streams, rejected, reached = streams_of(arrived, timeout)
    ended = [s for s in streams if s.last + timeout < reached]
    columns = "session_id, user_id, device, program_id, start_time, began_at, first_heartbeat_at"
    columns += ", last_heartbeat_at, heartbeats"
    for mart, expected in (
        (f"select {columns}, stream_duration from fct_watch_streams", ended),
        (
            f"select {columns}, watched_seconds from ongoing_watch_streams",
            [s for s in streams if s not in ended],
        ),
    ):
        assert sorted(project.rows(mart)) == sorted(
            (
                *s.key[:-1],
                *(time(t) for t in (s.key[-1], s.began, s.first, s.last)),
                s.heartbeats,
                (s.last - s.began) / MICRO,
            )
            for s in expected
        )
    most = 0
    for moment in {s.began for s in streams}:
        most = max(most, sum(s.began <= moment <= s.last for s in streams))
    assert project.row("select max(streams) from watch_concurrency") == (most,)
    seconds = project.row("select sum(watched_seconds) from daily_watch_time")[0]
    assert seconds == pytest.approx(sum(s.last - s.began for s in streams) / MICRO)
    assert project.row(
        """select sum(rows_read) - sum(rows_redelivered), sum(rows_accepted), sum(rows_rejected),
        bool_and(is_balanced) from heartbeat_reconciliation"""
    ) == (len(arrived), len(arrived) - rejected, rejected, True)
    assert project.row("select count(*) from rejected_heartbeats") == (rejected,)
    met["ended"] += len(ended)
    met["going on"] += len(streams) - len(ended)
    met["rejected"] += rejected
    return streams


def count_what_was_met(before, after, redelivered, number):
    met["streams"] += len(after)
    met["messages redelivered"] += redelivered
    for stream in after:
        joined = [
            s for s in before if s.key == stream.key and stream.first <= s.first <= stream.last
        ]
        met["joins"] += len(joined) > 1
        met["begun earlier"] += len(joined) == 1 and joined[0].first > stream.first
        met["lengthened"] += len(joined) == 1 and joined[0].last < stream.last


def test_the_histories_met_what_they_must():
    """Runs after the test above: without these, it would prove less than it claims."""
    if not met:
        pytest.skip("only with the test above")
    for what in (
        "streams",
        "joins",
        "begun earlier",
        "lengthened",
        "messages redelivered",
        "ended",
        "going on",
        "rejected",
    ):
        assert met[what] >= 20, (what, met)
    print(dict(met))
