"""The DAG under a real scheduler: from a real broker into a real PostgreSQL.

Runs of two intervals, the second with late heartbeats and with dbt killed half way; then the first
once more. Expected values come from the simulation, and from an oracle in plain Python.
"""

import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from zlib import crc32

import duckdb
import pytest
from real_airflow import DAG, Airflow, wait_for
from support.optional import need
from support.oracles import streams as watch_oracle
from support.project import ROOT
from support.warehouses.emulators import running_postgres

from dwell.runtime.database_lock import retry_while_locked
from dwell.sample.heartbeats import MINUTE, Plan, messages, streams

TOPIC = "heartbeats"
PARTITIONS = 3
PLAN = Plan(seed=7, viewers=150, minutes=60, pause=0.6, late=0.4, double=0.02, broken=0.01)
MIDDLE = PLAN.start + 30 * MINUTE
FIRST = ("2025-03-12T19:00:00Z", "2025-03-12T19:30:00Z")
SECOND = ("2025-03-12T19:30:00Z", "2025-03-12T23:00:00Z")
EPOCH = datetime(1970, 1, 1)

# another team's DAG, which depends on the table
FOLLOWER = """
from airflow.sdk import DAG, Asset
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG("follower", schedule=[Asset.ref(name="watch_streams")]):
    EmptyOperator(task_id="reads_the_table")
"""

ROWS = """
select
    session_id, user_id, device, program_id, start_time, stream_duration, first_heartbeat_at,
    last_heartbeat_at, heartbeats
from watch_streams order by stream_id
"""


class Table:
    """The table in PostgreSQL."""

    def __init__(self, environment):
        self.environment = environment

    def query(self, sql):
        import psycopg

        names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password"}
        names |= {"PGDATABASE": "dbname"}
        options = {names[name]: value for name, value in self.environment.items()}
        with psycopg.connect(**options, options="-c timezone=UTC") as connection:
            return connection.execute(sql).fetchall()

    def streams(self):
        """{(who and what, duration, first, last: ms, heartbeats): how many}."""
        return Counter(
            (*row[:4], ms(row[4]), round(float(row[5]) * 1000), ms(row[6]), ms(row[7]), row[8])
            for row in self.query(ROWS)
        )

    def versions(self):
        """Return what distinguishes a row that was written again from one that was not."""
        return self.query("select stream_id, xmin::text, ctid::text from watch_streams order by 1")


def ms(at):
    return (at.replace(tzinfo=None) - EPOCH) // timedelta(milliseconds=1)


def truth():
    """The simulation's true streams, as Table.streams has them."""
    return Counter(
        (
            *(viewing.session_id, viewing.user_id, viewing.device, viewing.program_id),
            viewing.start,
            stream.duration(viewing.start),
            *(stream.first, stream.last, stream.heartbeats),
        )
        for viewing, stream in streams(PLAN)
    )


def by_oracle(sent, as_of):
    """The streams that have ended by a moment (ms), of messages, by the oracle."""
    parsed = [oracle_message(number, message) for number, message in enumerate(sent)]
    found, _, newest = watch_oracle.streams_of(parsed)
    now = max(newest, as_of * 1000)
    return Counter(
        (
            *(*s.key[:4], s.key[4] // 1000, (s.last - s.began) // 1000),
            *(s.first // 1000, s.last // 1000, s.heartbeats),
        )
        for s in found
        if now - s.last > 60_000_000
    )


def oracle_message(number, message):
    if message.reject is not None:
        return watch_oracle.Message(0, number, message.received_at * 1000, None, None)
    fields = json.loads(message.payload)
    names = ("session_id", "user_id", "device", "program_id")
    key = (*(fields[name] for name in names), microseconds(fields["start_time"]))
    at = microseconds(fields["event_time"])
    return watch_oracle.Message(0, number, message.received_at * 1000, key, at)


def microseconds(text):
    at = datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
    return (at - EPOCH) // timedelta(microseconds=1)


def send(broker, sent):
    broker.send(TOPIC, [(partition_of(m), m.payload, m.received_at) for m in sent])


def partition_of(message):
    return crc32(message.key.encode()) % PARTITIONS


def listen(stack):
    """Return a URL, and the list of what is posted there."""
    posted = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_port}/alerts", posted


def kill_half_way(airflow, run_id, landing):
    """Kill dbt and the task that runs it, once the batch is staged and no stream is stored."""
    wait_for(lambda: "Running with dbt" in airflow.log(run_id, "streams"), "dbt to begin")
    found = subprocess.run(["ps", "-wweo", "pid,ppid,args"], capture_output=True, text=True).stdout
    (dbt,) = [
        line.split(None, 2)
        for line in found.splitlines()
        if "/dbt run" in line and str(landing) in line
    ]
    staged = "OK created sql table model main.stg_watch__heartbeats"
    deadline = time.monotonic() + 120
    while staged not in (log := airflow.log(run_id, "streams")):
        assert time.monotonic() < deadline, log
        time.sleep(0.002)
    for pid in dbt[:2]:
        os.kill(int(pid), signal.SIGKILL)


def loaded(database):
    """How many messages are staged, and how many are in the streams."""
    # a process that was killed takes a moment to release its files
    with retry_while_locked(lambda: duckdb.connect(str(database), read_only=True)) as connection:
        return connection.execute(
            "select (select count(*) from stg_watch__heartbeats), "
            "(select sum(rows_landed)::int from dwell_heartbeats_landed)"
        ).fetchone()


@pytest.fixture(scope="module")
def ran(broker, tmp_path_factory):
    """All runs, and the state after each of them."""
    need("airflow", "warehouses")
    folder = tmp_path_factory.mktemp("airflow")
    landing, database = folder / "landing", folder / "dwell.duckdb"
    dags = folder / "dags"
    dags.mkdir()
    for file in (ROOT / "airflow" / "dags").glob("*.py"):
        (dags / file.name).symlink_to(file)
    (dags / "follower.py").write_text(FOLLOWER)
    all_sent = list(messages(PLAN))
    first = [message for message in all_sent if message.received_at <= MIDDLE]
    # its times are old, and it must keep them
    broker.topic(TOPIC, PARTITIONS, retention_ms=-1)
    see = SimpleNamespace(first=first, rest=all_sent[len(first) :], database=database)
    with ExitStack() as stack:
        postgres = stack.enter_context(running_postgres(folder))
        see.table = Table(postgres)
        url, see.posted = listen(stack)
        see.airflow = airflow = Airflow(
            folder,
            **postgres,
            AIRFLOW__CORE__DAGS_FOLDER=str(dags),
            AIRFLOW_CONN_DWELL_ALERT=json.dumps({"conn_type": "http", "host": url}),
            DWELL_KAFKA_BOOTSTRAP_SERVERS=broker.bootstrap,
            DWELL_DATABASE=str(database),
            DWELL_LANDING=str(landing),
            DWELL_RETRIES="1",
            DWELL_RETRY_SECONDS="5",
            DWELL_POOL="dwell",
            # only runs that are triggered
            DWELL_SCHEDULE="0 0 29 2 *",
        )
        stack.callback(airflow.stop)
        airflow.start()
        airflow.ask("/api/v2/pools", {"name": "dwell", "slots": 1})

        print_step("a topic that is empty")
        airflow.trigger("first", *FIRST)
        airflow.wait("first")
        see.empty = airflow.tasks("first")

        send(broker, first)
        print_step("a run in which every message must match the schema")
        airflow.trigger("strict", "2025-03-12T18:30:00Z", FIRST[0], max_share=0)
        airflow.wait("strict", "failed")
        see.strict, see.database_after_strict = airflow.tasks("strict"), database.exists()

        print_step("the first interval")
        airflow.clear("first")
        airflow.wait("first")
        see.after_first = see.table.streams()

        send(broker, see.rest)
        print_step("the second interval, killed half way")
        airflow.trigger("second", *SECOND)
        kill_half_way(airflow, "second", landing)
        see.after_kill = loaded(database)
        airflow.wait("second")
        see.second, see.reconciled = airflow.tasks("second"), airflow.log("second", "reconcile")
        see.after_second, see.versions = see.table.streams(), see.table.versions()
        see.revisions = see.table.query("select max(revision) from watch_streams")[0][0]

        print_step("the first interval again")
        airflow.clear("first")
        airflow.wait("first")
        see.after_again, see.versions_again = see.table.streams(), see.table.versions()
        see.passed_on = xcoms(airflow, "second")
        see.follower = airflow.ask("/api/v2/dags/follower/dagRuns")["dag_runs"]
        print_step("done")
    return see


def print_step(what):
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


def xcoms(airflow, run_id):
    """{task: [what it passed on]}."""
    found = {}
    for task in airflow.tasks(run_id):
        path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/{task}/xcomEntries"
        for entry in airflow.ask(path)["xcom_entries"]:
            value = airflow.ask(f"{path}/{entry['key']}")["value"]
            found.setdefault(task, []).append(value)
    return found


def test_tasks_are_skipped_while_the_topic_is_empty(ran):
    states = {task: about["state"] for task, about in ran.empty.items()}
    assert states.pop("note_end_offsets") == states.pop("consume") == "success"
    assert set(states.values()) == {"skipped"}


def test_messages_that_do_not_match_the_schema_stop_the_run_before_the_load(ran):
    assert ran.strict["check_schema"]["state"] == "failed"
    assert ran.strict["check_schema"]["try_number"] == 2
    assert ran.strict["streams"]["state"] == "upstream_failed"
    assert not ran.database_after_strict


def test_one_alert_is_sent_with_the_reason(ran):
    (alert,) = ran.posted
    assert (alert["task_id"], alert["run_id"]) == ("check_schema", "strict")
    assert "new messages do not fit heartbeat.schema.json" in alert["text"]
    assert "has a producer changed what it sends?" in alert["text"]


def test_a_run_loads_the_streams_that_ended_in_its_interval(ran):
    expected = by_oracle(ran.first, MIDDLE)
    assert ran.after_first == expected
    # with fewer streams the test would prove too little
    assert len(expected) >= 50
    assert len(truth()) - len(expected) >= 50


def test_a_run_that_was_killed_and_retried_has_each_stream_once(ran):
    staged, in_streams = ran.after_kill
    assert staged == len(ran.rest)
    assert in_streams == len(ran.first)
    assert ran.second["streams"]["try_number"] == 2
    assert ran.after_second == truth()
    # what was loaded had to be corrected
    assert ran.revisions >= 2


def test_the_second_run_is_reconciled(ran):
    assert (
        f"{len(ran.first) + len(ran.rest):,} offsets in {PARTITIONS} partitions" in ran.reconciled
    )
    # all are of the same day, which has changed
    expected = f"{truth().total():,} streams on 1 day in postgres table watch_streams"
    assert expected in ran.reconciled


def test_an_earlier_interval_again_changes_no_row(ran):
    assert ran.after_again == ran.after_second
    assert ran.versions_again == ran.versions


def test_tasks_pass_on_offsets_and_no_data(ran):
    sent = Counter(str(partition_of(message)) for message in ran.first + ran.rest)
    assert ran.passed_on.keys() == {"note_end_offsets"}
    (end_offsets,) = ran.passed_on["note_end_offsets"]
    assert json.loads(end_offsets) == sent


def test_other_dags_run_after_the_table_has_been_reconciled(ran):
    assert len(ran.follower) >= 2
