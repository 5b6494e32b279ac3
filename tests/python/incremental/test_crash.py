"""A run that dies leaves the last good state, and the next one repairs everything."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta

import pytest
from support.project import MARTS, ROOT, Project

START = datetime(2025, 1, 1)
# The slow part of a run can be killed in its middle only if it has one.
EVENTS_PER_FILE = 60_000


def write(path, seed):
    """Write events that fall between those of every other file, so that runs join."""
    draw = random.Random(seed)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["event_name", "user_id", "app_version", "event_time", "device_id", "client"])
        for _ in range(EVENTS_PER_FILE):
            at = START + timedelta(seconds=draw.randrange(30 * 86_400))
            out.writerow(["view", f"u{draw.randrange(500)}", "", at.isoformat(), "d", "web"])


def marts(project):
    return {m: project.rows(f"select * from {m} order by all") for m in MARTS}


def dbt(project):
    """Start dbt as a process of its own, which can be killed."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "dbt.cli.main", "run", "--quiet", "--project-dir", str(ROOT)),
            *("--profiles-dir", str(ROOT), "--target-path", str(project.folder / "killed")),
            *("--log-path", str(project.folder / "logs"), "--vars", json.dumps(project.settings)),
        ],
        env=os.environ | {"DWELL_DATABASE": str(project.database)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def landed(tmp_path):
    landing = tmp_path / "landing"
    landing.mkdir()
    write(landing / "1.csv", 1)
    project = Project(tmp_path, events_path=f"{landing}/*.csv")
    project.run("run")
    write(landing / "2.csv", 2)
    return project


def test_a_killed_run_leaves_the_last_good_state_and_the_next_repairs(landed, tmp_path):
    draw = random.Random(7)
    tables = ("int_web__events_sessionized", "int_web__sessions", "dwell_event_loads")
    seen = set()
    for _ in range(6):
        process = dbt(landed)
        time.sleep(draw.uniform(1.5, 5.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        state = tuple(landed.row(f"select count(*) from {t}")[0] for t in tables)
        seen.add(state)
        # the events of a file and the word that it is loaded come together, or not at all
        assert (state[0], state[2]) in ((EVENTS_PER_FILE, 1), (2 * EVENTS_PER_FILE, 2))
    landed.run("run")
    repaired = marts(landed)
    landed.run("run", full_refresh=True)
    assert repaired == marts(landed)
    print("states after a kill:", seen)


@pytest.mark.parametrize("full_refresh", [False, True], ids=["plain run", "full refresh"])
def test_a_run_that_dies_between_events_and_sessions_is_completed_by_the_next(landed, full_refresh):
    """Only the event table is built: what is left when a run is killed right after it."""
    landed.run("run", "--select", "int_web__events_sessionized", full_refresh=full_refresh)
    loads = landed.row("select max(load_number) from int_web__sessions")
    assert loads == (1,)
    landed.run("run")
    completed = marts(landed)
    landed.run("run", full_refresh=True)
    assert completed == marts(landed)
