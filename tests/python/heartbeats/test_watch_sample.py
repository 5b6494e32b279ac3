"""The streams of heartbeats whose truth is known: the sample, simulations, and real data."""

import csv
import os
from datetime import datetime

import duckdb
import pytest
from support.project import ROOT, Project

from dwell.cli.sample import simulate as command
from dwell.sample import heartbeats, simulate

REAL = ROOT.parent / "shared" / "data" / "media_plays"
WATCH = "stg_watch__heartbeat_rows+"
STREAMS = """
    select
        user_id, program_id, start_time, session_id, device, stream_duration, first_heartbeat_at,
        last_heartbeat_at, heartbeats
    from fct_watch_streams
    union all
    select
        user_id, program_id, start_time, session_id, device, watched_seconds, first_heartbeat_at,
        last_heartbeat_at, heartbeats
    from ongoing_watch_streams
"""


def plan_of(options):
    arguments = command.make_context("simulate", options.split()).params
    return heartbeats.Plan(
        **{name: arguments[name] for name in heartbeats.Plan.__dataclass_fields__}
    )


def truth_of(plan, folder):
    with (folder / "truth.csv").open("w", newline="") as out:
        simulate.write_truth(out, heartbeats.streams(plan))
    with (folder / "truth.csv").open() as file:
        return sorted(
            (
                row["user_id"],
                row["program_id"],
                time(row["start_time"]),
                row["session_id"],
                row["device"],
                float(row["stream_duration"]),
                time(row["first_heartbeat_at"]),
                time(row["last_heartbeat_at"]),
                int(row["heartbeats"]),
            )
            for row in csv.DictReader(file)
        )


def time(text):
    return datetime.fromisoformat(text).replace(tzinfo=None)


def test_the_sample_gives_its_true_streams(tmp_path):
    project = Project(tmp_path)
    project.run("build", "--select", f"watch_heartbeats {WATCH}")
    assert sorted(project.rows(STREAMS)) == truth_of(plan_of(simulate.SAMPLE), tmp_path)
    # a stream is ongoing if its last heartbeat is at most a minute before the newest of all
    (reached,) = project.row("select max(last_heartbeat_at) from int_watch__streams")
    for mart, is_ongoing in (("fct_watch_streams", False), ("ongoing_watch_streams", True)):
        rows = project.rows(f"select last_heartbeat_at from {mart}")
        assert rows
        assert all(((reached - last).total_seconds() <= 60) == is_ongoing for (last,) in rows)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "jsonl in two parts"])
def test_a_simulation_gives_its_true_streams(kind, tmp_path):
    plan = heartbeats.Plan(seed=5, viewers=60, minutes=40, late=0.3, broken=0.01, pause=0.6)
    write = simulate.FORMATS[kind.split()[0]]
    sent = list(heartbeats.messages(plan))
    halves = [sent] if "parts" not in kind else [sent[: len(sent) // 2], sent[len(sent) // 2 :]]
    project = Project(tmp_path, heartbeats_path=f"{tmp_path}/in/*")
    (tmp_path / "in").mkdir()
    for number, part in enumerate(halves):
        path = tmp_path / "in" / f"{number}.{kind.split()[0]}"
        with path.open("w", newline="") as out:
            write(out, part)
        # received after all that has happened, and before the wrong times
        os.utime(path, ((plan.end + 7_200_000) / 1000,) * 2)
        project.run("run", "--select", WATCH)
    assert sorted(project.rows(STREAMS)) == truth_of(plan, tmp_path)
    counts = project.row(
        """select sum(rows_read), sum(rows_rejected), bool_and(is_balanced)
        from heartbeat_reconciliation"""
    )
    shown = simulate.SHOWN_IN_CSV if kind == "csv" else None
    # an empty payload is an empty line, and so no row
    rejects = sum(
        m.reject is not None and m.payload != "" and (shown is None or m.reject in shown)
        for m in sent
    )
    rows = sum(m.payload != "" and (shown is None or m.reject in shown) for m in sent)
    assert counts == (rows, rejects, True)


@pytest.mark.skipif(
    not REAL.exists(), reason=f"there is no real data next to this checkout: {REAL.name}"
)
def test_real_plays_give_the_streams_of_an_independent_tool(tmp_path):
    """aw-core's heartbeat_reduce, pulsetime 60, on events of a real media player."""
    project = Project(tmp_path, heartbeats_path=str(REAL / "heartbeats.csv"))
    project.run("run", "--select", WATCH)
    expected = duckdb.sql(
        f"""select user_id, program_id, device, start_time::timestamp, end_time::timestamp,
        stream_duration_s from '{REAL / "expected_streams_60s_awcore.csv"}'"""
    ).fetchall()
    found = project.rows(
        f"""select user_id, program_id, device, first_heartbeat_at, last_heartbeat_at,
        stream_duration from ({STREAMS})"""
    )
    assert len(found) == 55
    assert sorted(found) == sorted(expected)


def beats(path, *times):
    rows = [f"u,p,2025-01-01T10:00:00Z,s,tv,2025-01-01T{time}Z" for time in times]
    path.write_text(
        "\n".join(["user_id,program_id,start_time,session_id,device,event_time", *rows])
    )
    os.utime(path, (1_770_000_000,) * 2)


def test_a_watermark_override_ends_streams_and_never_goes_back(tmp_path):
    beats(tmp_path / "1.csv", "10:00:04", "10:00:08")
    states = []
    for as_of in (None, "2025-01-01T10:01:08Z", "2025-01-01T10:01:08.001Z", None):
        project = Project(
            tmp_path, heartbeats_path=f"{tmp_path}/*.csv", **{"watch_as_of": as_of} if as_of else {}
        )
        project.run("run", "--select", WATCH)
        states.append(
            project.row(
                """select (select count(*) from fct_watch_streams),
                (select count(*) from ongoing_watch_streams)"""
            )
        )
    assert states == [(0, 1), (0, 1), (1, 0), (1, 0)]
    project.run("run", "--select", WATCH, full_refresh=True)
    assert project.row("select count(*) from fct_watch_streams") == (1,)
    # a late heartbeat shows that it went on, and it is corrected
    beats(tmp_path / "2.csv", "10:01:08")
    project.run("run", "--select", WATCH)
    assert project.rows("select watched_seconds from ongoing_watch_streams") == [(68.0,)]


def test_removed_landing_files_are_named_before_a_full_refresh(tmp_path):
    beats(tmp_path / "1.csv", "10:00:04")
    project = Project(tmp_path, heartbeats_path=[f"{tmp_path}/1.csv", f"{tmp_path}/2.csv"])
    beats(tmp_path / "2.csv", "10:00:08")
    project.run("run", "--select", WATCH)
    (tmp_path / "1.csv").unlink()
    errors = project.run("run", "--select", WATCH, fails=True, full_refresh=True)
    assert "a full refresh would lose the heartbeats of" in errors
    project.run("run", "--select", WATCH)
    assert project.row("select count(*) from int_watch__streams") == (1,)


def test_one_half_of_the_input_alone_is_refused(tmp_path):
    project = Project(tmp_path)
    errors = project.run("run", "--select", "int_watch__streams", fails=True)
    assert "stg_watch__heartbeats and int_watch__streams go together" in errors


def test_wrong_settings_of_heartbeats_are_reported(tmp_path):
    beats(tmp_path / "1.csv", "10:00:04")
    built = Project(tmp_path, heartbeats_path=f"{tmp_path}/*.csv")
    built.run("run", "--select", WATCH)
    for settings, words in (
        ({"watch_timeout_seconds": 30}, "watch_timeout_seconds was 60 and is 30"),
        ({"watch_timeout_seconds": 0}, "watch_timeout_seconds must be a number"),
        ({"watch_as_of": "soon"}, "watch_as_of must be null or a time"),
        ({"watch_as_of": 5}, "watch_as_of must be null or a time"),
        ({"heartbeats_format": "xlsx"}, "heartbeats_format must be null or one of"),
        ({"heartbeats_csv": {"sep": ","}}, "heartbeats_csv must be a mapping"),
        ({"heartbeats_json": {"row": "x"}}, "heartbeats_json must be a mapping that may have rows"),
        ({"heartbeats_columns": {"client": "c"}}, "heartbeats_columns maps client"),
        ({"heartbeats_columns": {"device": None}}, "heartbeats_columns maps device to null"),
        ({"heartbeats_relation": "a.b"}, "heartbeats_path and heartbeats_relation are both set"),
        ({"heartbeats_time_format": "epoch"}, "heartbeats_time_format must be one of"),
        ({"heartbeats_loaded_at": "x"}, "heartbeats_loaded_at names a column"),
    ):
        other = Project(tmp_path, heartbeats_path=f"{tmp_path}/*.csv", **settings)
        other._manifest = built.manifest()
        assert words in other.run("run", "--select", WATCH, fails=True)


def test_landing_files_can_be_merged_and_removed(tmp_path):
    landing = tmp_path / "landing"
    landing.mkdir()
    project = Project(tmp_path, heartbeats_path=f"{landing}/*.parquet")

    def land(name, offsets):
        """Write a message a minute, so that each is on the edge of the one before."""
        payload = """json_object('user_id', 'u', 'program_id', 'p', 'session_id', 's', 'device',
            'tv', 'start_time', '2025-01-01T10:00:00Z', 'event_time', sent_at::varchar)"""
        duckdb.sql(
            f"""copy (
                select 't' as topic, 0 as partition, i as offset, sent_at as received_at,
                    encode({payload}::varchar) as payload
                from (select i, timestamp '2025-01-01 10:00' + i * interval '1 minute' as sent_at
                    from unnest({list(offsets)}) as numbers(i))
            ) to '{landing / name}' (format parquet)"""
        )

    def streams():
        return project.rows("select heartbeats, watched_seconds from ongoing_watch_streams")

    land("a.parquet", range(3))
    project.run("run", "--select", WATCH)
    land("b.parquet", range(3, 5))
    project.run("run", "--select", WATCH)
    assert streams() == [(5, 240.0)]
    land("together.parquet", range(5))
    (landing / "a.parquet").unlink()
    (landing / "b.parquet").unlink()
    project.run("run", "--select", WATCH)
    assert streams() == [(5, 240.0)]
    assert project.row("select rows_redelivered from heartbeat_reconciliation") == (5,)
    project.run("run", "--select", WATCH, full_refresh=True)
    assert streams() == [(5, 240.0)]
    # without a part of it, nothing would bring that back
    (landing / "together.parquet").unlink()
    land("part.parquet", range(4))
    errors = project.run("run", "--select", WATCH, fails=True, full_refresh=True)
    assert "a full refresh would lose the heartbeats of" in errors
    project.run("run", "--select", WATCH)
    assert streams() == [(5, 240.0)]


def test_events_of_a_relation_and_heartbeats_of_files_go_together(tmp_path):
    beats(tmp_path / "1.csv", "10:00:04")
    project = Project(tmp_path, heartbeats_path=f"{tmp_path}/1.csv", events_relation="raw.events")
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create schema raw")
        connection.execute(
            """create table raw.events as select 'view' as event_name, 'u' as user_id, '1' as
            app_version, timestamp '2025-01-01' as event_time, 'd' as device_id, 'web' as client"""
        )
    project.run("run")
    assert project.row("select count(*) from fct_sessions") == (1,)
    assert project.row("select count(*) from ongoing_watch_streams") == (1,)


@pytest.mark.parametrize("loaded_at", [False, True])
def test_heartbeats_of_a_relation_are_read_in_full_or_by_their_load_time(loaded_at, tmp_path):
    by_time = {"heartbeats_loaded_at": "loaded_at"} if loaded_at else {}
    project = Project(tmp_path, heartbeats_relation="raw.beats", **by_time)

    def insert(minute, loaded):
        with duckdb.connect(str(project.database)) as connection:
            connection.execute("create schema if not exists raw")
            connection.execute(
                """create table if not exists raw.beats (user_id varchar, program_id varchar,
                start_time timestamp, session_id varchar, device varchar, event_time timestamp,
                loaded_at timestamp)"""
            )
            connection.execute(
                f"""insert into raw.beats values ('u', 'p', '2025-01-01 10:00', 's', 'tv',
                '2025-01-01 10:{minute:02}', '2025-01-01 {loaded}')"""
            )

    def totals():
        return project.row("select sum(heartbeats), count(*) from int_watch__streams")

    insert(1, "11:00")
    project.run("run", "--select", WATCH)
    insert(3, "11:00:01")
    project.run("run", "--select", WATCH)
    assert totals() == (2, 2)
    # it joins the two
    insert(2, "11:00:02")
    project.run("run", "--select", WATCH)
    assert totals() == (3, 1)
    project.run("run", "--select", WATCH, full_refresh=True)
    assert totals() == (3, 1)
    # it arrived late, and its load time is older than the newest
    insert(9, "10:59")
    project.run("run", "--select", WATCH)
    assert totals() == (4, 2)
    project.run("run", "--select", WATCH, full_refresh=True)
    assert totals() == (4, 2)
