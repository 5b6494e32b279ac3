"""Messages that do not fit the declared schema are found before anything is loaded."""

import json
import os
import subprocess
import sys
from collections import Counter

import duckdb
import pytest
from support.heartbeats.payloads import READ, REJECTED
from support.kafka.landing import land, payload
from support.project import ROOT, Project

from dwell.landing.folder import Landing
from dwell.landing.validation import SCHEMA, validate_messages
from dwell.sample.heartbeats import IN_THE_FUTURE, Plan, messages

DECLARED = json.loads(SCHEMA.read_text())


def invalid(folder, database="none.duckdb"):
    """(new messages, {reason: how many})."""
    found, reasons = validate_messages(Landing(folder), folder / database, DECLARED)
    return found, {reason.reason: reason.message_count for reason in reasons}


def test_what_fits_is_what_the_models_accept(tmp_path):
    """The expected reasons are those written by hand for the models."""
    cases = [(payload, None) for payload in READ.values()] + list(REJECTED.values())
    cases += [(None, "unreadable_row"), (b"\xff", "unreadable_row")]
    cases += [(payload(event_time="infinity"), "unreadable_event_time")]
    cases += [(payload(event_time=1741806000), "unreadable_event_time")]
    land(tmp_path / "a.parquet", dict(enumerate(payload for payload, _ in cases)))
    reasons = Counter(reason for _, reason in cases if reason)
    assert invalid(tmp_path) == (len(cases), reasons)


def test_the_broken_messages_of_a_simulation_are_found_by_reason(tmp_path):
    sent = list(messages(Plan(seed=3, viewers=20, minutes=20, broken=0.1)))
    land(tmp_path / "a.parquet", dict(enumerate(message.payload for message in sent)))
    # a time in the future fits the schema; anything that is no object is an unreadable row
    reasons = Counter(
        m.reject if m.reject.startswith(("missing_", "unreadable_")) else "unreadable_row"
        for m in sent
        if m.reject not in (None, IN_THE_FUTURE)
    )
    assert len(reasons) >= 8
    assert invalid(tmp_path) == (len(sent), reasons)


def test_loaded_messages_are_not_validated_again(tmp_path):
    landing = tmp_path / "landing"
    landing.mkdir()
    land(landing / "a.parquet", {0: payload(), 1: "{", 2: payload()})
    project = Project(tmp_path, heartbeats_path=f"{landing}/*.parquet")
    project.run("run", "--select", "stg_watch__heartbeats", "int_watch__streams")
    found, _ = validate_messages(Landing(landing), project.database, DECLARED)
    assert found == 0
    land(landing / "b.parquet", {3: payload(device=None), 4: payload()})
    # as a compaction does
    both = f"from read_parquet(['{landing}/a.parquet', '{landing}/b.parquet'])"
    duckdb.sql(f"copy ({both}) to '{landing}/c.parquet'")
    (landing / "a.parquet").unlink()
    (landing / "b.parquet").unlink()
    found, reasons = validate_messages(Landing(landing), project.database, DECLARED)
    assert (found, [str(reason) for reason in reasons]) == (
        2,
        ["1 missing_device (as offset 3 of partition 0)"],
    )


def run(folder, *options):
    """Run the command; return its exit code and its last line."""
    done = subprocess.run(
        [sys.executable, "-m", "dwell", "validate", f"--landing={folder}", *options],
        cwd=ROOT,
        env=os.environ | {"DWELL_DATABASE": str(folder / "none.duckdb")},
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("broken", "options", "code"),
    [
        (0, [], 0),
        # few invalid messages prove nothing about a producer
        (9, [], 0),
        (10, [], 1),
        (10, ["--max-share=0.1"], 0),
        (11, ["--max-share=0.1"], 1),
        (100, ["--max-share=1"], 0),
    ],
)
def test_too_many_invalid_messages_fail(tmp_path, broken, options, code):
    payloads = [payload(user_id=None)] * broken + [payload()] * (100 - broken)
    land(tmp_path / "a.parquet", dict(enumerate(payloads)))
    found, log = run(tmp_path, *options)
    assert found == code, log
    assert f"{broken} of 100 new messages do not fit heartbeat.schema.json" in log
    assert ("has a producer changed what it sends?" in log) == (code == 1)
    assert ("missing_user_id (as offset 0 of partition 0)" in log) == (broken > 0)


def test_what_cannot_be_validated_is_reported(tmp_path):
    code, log = run(tmp_path)
    assert code == 3 and "nothing has landed" in log
    land(tmp_path / "a.parquet", {0: payload()})
    code, log = run(tmp_path, f"--schema={tmp_path}/other.json")
    assert code == 2 and "other.json cannot be read" in log
    code, log = run(tmp_path, "--max-share=2")
    assert code == 2 and "2.0 is not in the range 0<=x<=1" in log
