"""`dwell check`: hold messages that have landed, and are not loaded, against the declared schema.

The models reject what is no heartbeat, message by message, and go on. If a producer has changed its
format, they would go on without its heartbeats, and streams that go on would seem to have ended.
So this says no before anything is loaded, if too large a share does not fit. It decodes in bulk, by
the schema alone; its reasons are those of `rejected_heartbeats`.
"""

import argparse
import glob
import json
from pathlib import Path
from typing import NamedTuple

import duckdb

from dwell import config
from dwell.config import ROOT
from dwell.landing.folder import Landing
from dwell.runtime import log
from dwell.runtime.database_lock import retry_while_locked

SCHEMA = ROOT / "schemas" / "heartbeat.schema.json"
# fewer say nothing about a producer
FEW = 10
# JSON Schema's types, as DuckDB's json_type tells them
TYPES = {
    "string": ["VARCHAR"],
    "number": ["BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"],
    "boolean": ["BOOLEAN"],
}

# Files that a run has loaded are not opened. A file may hold again what is loaded, if files were
# put together: offsets tell.
NEW_MESSAGES = """
with new as (
    select m."partition", m."offset", try(decode(m.payload)) as message
    from read_parquet($files, hive_partitioning = false) as m
    {unless_loaded}
)
"""
UNLESS_LOADED = """
    anti join dwell_heartbeats_landed as l
    on
        m.topic = l.topic
        and m."partition" = l.topic_partition
        and m."offset" between l.first_offset and l.last_offset
"""


class Misfits(NamedTuple):
    """Messages that do not fit for one reason, and where the first of them is."""

    reason: str
    messages: int
    partition: int
    offset: int

    def __str__(self) -> str:
        return (
            f"{self.messages:,} {self.reason} (as offset {self.offset} of partition "
            f"{self.partition})"
        )


def check(landing: Landing, database: Path, schema: dict) -> tuple[int, list[Misfits]]:
    """Return how many messages are new, and those that do not fit the schema, by reason."""
    # the files are those that dbt is given, by the names that it wrote down
    files = {str(path) for path in landing.folder.resolve().glob("*.parquet")}
    with (
        duckdb.connect(str(database), read_only=True)
        if database.exists()
        else (duckdb.connect()) as connection
    ):
        unless_loaded = ""
        if is_table(connection, "dwell_heartbeats_landed"):
            unless_loaded = UNLESS_LOADED
            loaded = connection.execute("select source from dwell_heartbeat_loads").fetchall()
            files -= {source for (source,) in loaded}
        if not files:
            return 0, []
        reason, values = reason_by(schema)
        rows = connection.execute(
            f"""{NEW_MESSAGES.format(unless_loaded=unless_loaded)},
            decoded as (
                select
                    *,
                    json_type(json, $paths) as types,
                    json_extract_string(json, $paths) as texts
                from (select *, try_cast(message as json) as json from new) as parsed
            ),

            judged as (select "partition", "offset", {reason} as reason from decoded)

            select reason, count(*), unnest(min(("partition", "offset")))
            from judged
            group by reason
            order by count(*) desc, reason""",
            {"files": [glob.escape(file) for file in sorted(files)], **values},
        ).fetchall()
    return sum(row[1] for row in rows), [Misfits(*row) for row in rows if row[0] is not None]


def is_table(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether a table is there: a database may be new."""
    return bool(
        connection.execute("select 1 from duckdb_tables() where table_name = $1", [name]).fetchall()
    )


def reason_by(schema: dict) -> tuple[str, dict]:
    """Return SQL that tells the first reason for which a message does not fit, and its values.

    It knows of JSON Schema what a heartbeat needs: type, required, pattern, format: date-time.
    """
    fields = schema["required"]
    values: dict = {"paths": [f'$."{field}"' for field in fields]}
    cases = [
        "json_type(json) is distinct from 'OBJECT' then 'unreadable_row'",
        "list_has_any(types, ['OBJECT', 'ARRAY']) then 'unreadable_row'",
    ]
    for number, field in enumerate(fields):
        about = schema["properties"][field]
        kind, text = f"types[{number + 1}]", f"texts[{number + 1}]"
        values |= {
            f"missing_{number}": f"missing_{field}",
            f"unreadable_{number}": f"unreadable_{field}",
            f"pattern_{number}": about.get("pattern", ""),
            f"kinds_{number}": [
                kind
                for name in ([about["type"]] if isinstance(about["type"], str) else about["type"])
                for kind in TYPES[name]
            ],
        }
        cases.append(
            f"{text} is null or not regexp_matches({text}, $pattern_{number}) "
            f"then $missing_{number}"
        )
        wrong = f"not list_contains($kinds_{number}, {kind})"
        if about.get("format") == "date-time":
            # infinity is a time to DuckDB, and none to a player
            wrong += f" or epoch_us(try_cast({text} as timestamptz)) is null"
        cases.append(f"{wrong} then $unreadable_{number}")
    return "case " + " ".join(f"when {case}" for case in cases) + " end", values


# -- The command -----------------------------------------------------------------------------


def main(arguments: argparse.Namespace) -> int:
    """Check. 0: load what is new; 1: too much does not fit; 2: wrong usage; 3: nothing is there."""
    log.set_up()
    path = arguments.schema or SCHEMA
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        log.error(f"{path} cannot be read: {error}")
        return 2
    landing, database = Landing(Path(arguments.landing)), Path(config.database())
    if not landing.has_files():
        log.info(f"nothing has landed in {landing.folder}: there is nothing to load yet")
        return 3
    try:
        messages, misfits = retry_while_locked(lambda: check(landing, database, schema))
    except (duckdb.Error, OSError) as error:
        log.error(str(error))
        return 1
    wrong = sum(kind.messages for kind in misfits)
    told = f"{wrong:,} of {messages:,} new messages do not fit {path.name}"
    told += f": {'; '.join(map(str, misfits))}" if misfits else ""
    fields = {"messages": messages, "misfits": {kind.reason: kind.messages for kind in misfits}}
    if wrong >= FEW and wrong > arguments.max_share * messages:
        log.error(
            f"{told}. That is more than a share of {arguments.max_share:g}: has a producer changed "
            "what it sends? Nothing was loaded. --max-share 1 loads what fits, and keeps the rest "
            "as rejects",
            **fields,
        )
        return 1
    log.info(told, **fields)
    return 0
