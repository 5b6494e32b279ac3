"""From the broker to ended streams: python bench/listen.py [HEARTBEATS], or make bench-watch.

A topic is filled first, by `dwell simulate`, at a peak. `dwell listen` then consumes it from
beginning to end, with one consumer and with two, lands it, computes its streams, and publishes them
to a topic. Time counts from when it begins to consume; dbt's start is left out. The broker runs on
the same machine, and its processor time is measured separately.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import duckdb
from confluent_kafka.admin import AdminClient, NewTopic

ROOT = Path(__file__).parents[1]
WORK = ROOT / "bench" / "work" / "listen"
PORT = 19192
BOOTSTRAP = f"127.0.0.1:{PORT}"
# of one viewer at a peak, by dwell simulate
HEARTBEATS_OF_A_VIEWER = 308
# alternating
CONSUMERS = (1, 2, 1, 2, 1, 2)
SCRIPT = ROOT / "kafka" / "broker.sh"
BROKER = {
    "KAFKA_HOME": str(WORK / "kafka"),
    "KAFKA_LIBS": str(ROOT / ".kafka" / "libs"),
    "KAFKA_PORT": str(PORT),
}


def dwell(*arguments, **environment):
    """Run dwell to its end; return what it logged, and its processor seconds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dwell", *arguments],
        cwd=ROOT,
        env=os.environ | {"DWELL_KAFKA_BOOTSTRAP_SERVERS": BOOTSTRAP} | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = process.stderr.read().splitlines()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit("\n".join(lines[-5:]))
    return lines, usage.ru_utime + usage.ru_stime


def processor_seconds(pid):
    """Return what a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(number, consumers, sent, broker):
    """Consume the entire topic with so many consumers, and print how long that took."""
    folder = WORK / f"run-{number}"
    folder.mkdir(parents=True)
    topic = f"streams-{number}"
    before = processor_seconds(broker)
    lines, processor = dwell(
        *("listen", "--topic", "heartbeats", "--landing", str(folder / "landing"), "--until-end"),
        *("--consumers", str(consumers), "--publish-topic", topic),
        DWELL_DATABASE=str(folder / "dwell.duckdb"),
    )
    at_broker = processor_seconds(broker) - before
    records = [json.loads(line) for line in lines if line.startswith("{")]
    begun = min(at(record) for record in records if record["message"].startswith("consuming"))
    seconds = (at(records[-1]) - begun).total_seconds()
    with duckdb.connect(str(folder / "dwell.duckdb"), read_only=True) as connection:
        (accepted, streams) = connection.execute(
            "select (select sum(rows_read) from heartbeat_reconciliation), "
            "(select count(*) from fct_watch_streams)"
        ).fetchone()
    assert accepted == sent, (accepted, sent)
    print(
        f"{consumers} consumer{'s' * (consumers > 1)}: {sent / seconds:,.0f} heartbeats/s "
        f"({seconds:.1f} s; {processor:.1f} s of processor, the broker {at_broker:.1f} s), "
        f"{streams:,} streams ended, {records[-1]['published']:,} records published"
    )


def at(record):
    return datetime.fromisoformat(record["time"])


def main():
    heartbeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    environment = os.environ | BROKER
    subprocess.run([SCRIPT, "start"], check=True, env=environment)
    try:
        time.sleep(6)
        broker = int((WORK / "kafka" / "broker.pid").read_text())
        admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
        topics = [NewTopic(f"streams-{number}", 2, 1) for number in range(len(CONSUMERS))]
        for made in admin.create_topics(topics).values():
            made.result()
        viewers = str(heartbeats // HEARTBEATS_OF_A_VIEWER)
        lines, _ = dwell(
            *("simulate", "--topic", "heartbeats", "--partitions", "8", "--peak"),
            *("--viewers", viewers),
        )
        sent = int(lines[-1].split()[0].replace(",", ""))
        print(f"{sent:,} heartbeats of {viewers} viewers in a topic of 8 partitions")
        for number, consumers in enumerate(CONSUMERS):
            measure(number, consumers, sent, broker)
    finally:
        subprocess.run([SCRIPT, "kill"], check=True, env=environment)


if __name__ == "__main__":
    main()
