"""`dbt source freshness` reports when nothing new has arrived."""

import os
import time

from support.events import write_events

ANN = ("view", "ann", "2025-01-01 10:00")
TWO_DAYS = 2 * 24 * 3600


def test_events_are_as_fresh_as_the_newest_file(project, tmp_path):
    dwell = project(events_path=str(tmp_path / "in" / "*.csv"))
    write_events(tmp_path / "in" / "old.csv", [ANN], modified=time.time() - TWO_DAYS)
    dwell.run("run", "--selector", "events")
    assert freshness(dwell, "dwell_event_loads") == "warn"
    write_events(tmp_path / "in" / "new.csv", [ANN], modified=time.time())
    dwell.run("run", "--selector", "events")
    assert freshness(dwell, "dwell_event_loads") == "pass"


def test_heartbeats_are_as_fresh_as_the_newest_that_was_received(project, tmp_path):
    dwell = project(heartbeats_path=str(tmp_path / "*.csv"))
    names = "user_id,program_id,start_time,session_id,device,event_time"
    for name, age, status in (("old", TWO_DAYS, "warn"), ("new", 0, "pass")):
        file = tmp_path / f"{name}.csv"
        file.write_text(f"{names}\nann,news,2025-01-01 10:00,s,tv,2025-01-01 10:0{len(name)}\n")
        os.utime(file, (time.time() - age,) * 2)
        dwell.run("run", "--selector", "watch")
        assert freshness(dwell, "dwell_heartbeats_landed") == status


def freshness(dwell, table):
    results = dwell.run("source", "freshness").results
    (status,) = (r.status for r in results if r.node.name == table)
    return status
