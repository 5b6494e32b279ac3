"""Run the SQL files of this folder in one process: python flink/run.py, after make flink.

A cluster runs the same files by its sql-client (docs/how-to/flink.md). This is for one machine,
for tests, and for benchmarks: Flink runs inside this process and ends with it. It prints what it
does, line by line.
"""

import argparse
import os
import re
import time
from pathlib import Path

from pyflink.common import Configuration
from pyflink.table import EnvironmentSettings, TableEnvironment

HERE = Path(__file__).parent
FILES = ("settings.sql", "tables.sql", "accepted.sql", "streams.sql")
JARS = HERE.parent / ".flink" / "jars"
SETTING = re.compile(r"SET\s+'([^']+)'\s*=\s*'([^']*)'")


def statements(text):
    """Return the statements of an SQL file, which end with ; at the end of a line."""
    text = re.sub(r"(^|\s)--.*", "", text)
    # a statement set has such lines inside
    found = re.findall(r"\s*(EXECUTE STATEMENT SET.*?\nEND|[^;]*?);[ ]*(?:\n|$)", text, re.DOTALL)
    return [statement.strip() for statement in found]


def newest_checkpoint(folder):
    """Return the newest complete checkpoint below a folder, or None."""
    complete = sorted(folder.glob("*/chk-*/_metadata"), key=lambda path: path.stat().st_mtime)
    return complete[-1].parent if complete else None


def environment(settings):
    """Return Flink inside this process."""
    configuration = Configuration()
    for key, value in settings.items():
        configuration.set_string(key, value)
    built = EnvironmentSettings.new_instance().with_configuration(configuration).build()
    return TableEnvironment.create(built)


def main():
    """Run the job until it ends, which it does only if it is --bounded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap", help="brokers, in place of those in tables.sql")
    parser.add_argument("--heartbeats", metavar="TOPIC", help="the topic to read")
    parser.add_argument("--streams", metavar="TOPIC", help="the topic for streams")
    parser.add_argument("--late", metavar="TOPIC", help="the topic for late heartbeats")
    parser.add_argument("--parallelism", default="1")
    parser.add_argument("--checkpoints", type=Path, help="the folder of the checkpoints")
    parser.add_argument("--resume", action="store_true", help="continue from the newest checkpoint")
    parser.add_argument(
        "--bounded", action="store_true", help="read what the topic has now, and end"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="any other setting of Flink"
    )
    arguments = parser.parse_args()

    todo = [s for name in FILES for s in statements((HERE / name).read_text())]
    settings = dict(m.groups() for m in map(SETTING.fullmatch, todo) if m)
    settings |= {
        "pipeline.jars": ";".join(path.resolve().as_uri() for path in sorted(JARS.glob("*.jar"))),
        "parallelism.default": arguments.parallelism,
        # no web page, whose port would have to be free
        "rest.port": "0",
    }
    if arguments.checkpoints:
        arguments.checkpoints.mkdir(parents=True, exist_ok=True)
        settings["execution.checkpointing.dir"] = arguments.checkpoints.resolve().as_uri()
    settings |= dict(pair.split("=", 1) for pair in arguments.set)
    if arguments.resume:
        folder = Path(settings["execution.checkpointing.dir"].removeprefix("file://"))
        if found := newest_checkpoint(folder):
            settings["execution.state-recovery.path"] = found.as_uri()
        print(f"resuming from {found or 'nothing: there is no checkpoint yet'}", flush=True)

    options = {
        "heartbeats": {"topic": arguments.heartbeats},
        "watch_streams": {"topic": arguments.streams},
        "late_heartbeats": {"topic": arguments.late},
    }
    if arguments.bounded:
        options["heartbeats"]["scan.bounded.mode"] = "latest-offset"
    *tables, job = (s for s in todo if not SETTING.fullmatch(s))
    flink = environment(settings)
    for statement in tables:
        flink.execute_sql(statement)
    for table, changes in options.items():
        if arguments.streams and table == "watch_streams":
            changes["sink.transactional-id-prefix"] = arguments.streams
        if arguments.late and table == "late_heartbeats":
            changes["sink.transactional-id-prefix"] = arguments.late
        changes["properties.bootstrap.servers"] = arguments.bootstrap
        pairs = ", ".join(f"'{key}' = '{value}'" for key, value in changes.items() if value)
        if pairs:
            flink.execute_sql(f"ALTER TABLE {table} SET ({pairs})")
    running = flink.execute_sql(job)
    begin = time.monotonic()
    print(f"running, process {os.getpid()}", flush=True)
    running.wait()
    print(f"ended after {time.monotonic() - begin:.1f} s", flush=True)


if __name__ == "__main__":
    main()
