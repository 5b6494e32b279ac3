"""Which payloads of a landing file are heartbeats, edge by edge."""

import duckdb
import pytest
from support.heartbeats.payloads import READ, REJECTED
from support.kafka.landing import land, payload
from support.project import Project

BATCH = ("--select", "stg_watch__heartbeats", "int_watch__streams")


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """{case: (user, program, device, reason)}, all of one file."""

    folder = tmp_path_factory.mktemp("payloads")
    payloads = [*READ.values(), *(rejected for rejected, _ in REJECTED.values())]
    path = land(folder / "a.parquet", dict(enumerate(payloads)))
    project = Project(folder, heartbeats_path=str(path), max_rejected_ratio=1)
    project.run("run", *BATCH)
    rows = project.rows(
        """select user_id, program_id, session_id, device, reject_reason
        from stg_watch__heartbeats order by topic_offset"""
    )
    return dict(zip([*READ, *REJECTED], rows, strict=True))


@pytest.mark.parametrize("case", READ)
def test_a_payload_is_read(case, batch):
    expected = {
        "braces in a value are text": ("u", "{[p]}", "s", "tv"),
        "blanks within a value stay": ("u v\tw", "p", "s", "tv"),
        "numbers and truths are text": ("12.5", "true", "s", "7"),
    }.get(case, ("u", "p", "s", "tv"))
    assert batch[case] == (*expected, None)


@pytest.mark.parametrize("case", REJECTED)
def test_a_payload_is_rejected(case, batch):
    assert batch[case][-1] == REJECTED[case][1]


@pytest.mark.parametrize("private", [False, True])
def test_a_message_that_lacks_a_field_is_kept_unchanged(private, project, tmp_path):
    messages = [payload().replace("device", "deviceName"), payload(start_time="soon")]
    path = land(tmp_path / "a.parquet", dict(enumerate(messages)))
    (tmp_path / "key").write_text("sixteen characters or more")
    dwell = project(
        heartbeats_path=str(path),
        max_rejected_ratio=1,
        pseudonymize_user_ids=private,
        pseudonym_key_file=f"{tmp_path}/key",
    )
    dwell.run("run", *BATCH, "rejected_heartbeats")
    # of one that has all six, the wrong value is in its column
    (lacks, has_all) = dwell.rows(
        "select reject_reason, start_time, unreadable_row from rejected_heartbeats order by 1"
    )
    assert lacks[0] == "missing_device"
    assert (lacks[2].startswith("(withheld: ")) if private else (lacks[2] == messages[0])
    assert has_all == ("unreadable_start_time", "soon", None)


def test_fields_may_have_other_names_and_share_one(project, tmp_path):
    path = land(tmp_path / "a.parquet", {0: payload(ID="i", id="j")})
    dwell = project(
        heartbeats_path=str(path),
        heartbeats_columns={"user_id": "ID", "device": "id", "program_id": "id"},
    )
    dwell.run("run", *BATCH)
    assert dwell.rows("select user_id, device, program_id from int_watch__streams") == [
        ("i", "j", "j")
    ]


def test_offsets_that_come_twice_count_once(project, tmp_path):
    """Also where as many are left out, so that there are as many messages as offsets between."""
    messages = {("t", 0, offset): payload() for offset in (0, 63, 64, 127, 128)}
    path = land(tmp_path / "a.parquet", messages)
    twice = land(tmp_path / "b.parquet", {("t", 1, offset): payload() for offset in (0, 1, 3)})

    duckdb.sql(f"copy (from '{twice}' union all from '{twice}') to '{tmp_path / 'c.parquet'}'")
    twice.unlink()
    dwell = project(heartbeats_path=[str(path), f"{tmp_path}/c.parquet"])
    dwell.run("run", *BATCH)
    assert dwell.row("select sum(heartbeats) from int_watch__streams") == (8,)
