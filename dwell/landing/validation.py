"""`dwell validate`: validates messages that have landed and are not loaded against their schema.

The models reject messages that are no heartbeats one by one, and continue. If a producer has
changed its format, they would continue without its heartbeats, and its ongoing streams would seem
to have ended. So this command fails before anything is loaded if too many messages do not fit. It
decodes in bulk, by the schema alone; its reasons are those of `rejected_heartbeats`.
"""

import glob
import json
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from dwell import config
from dwell.config import ROOT
from dwell.exceptions import UsageError
from dwell.landing.folder import Landing
from dwell.runtime import log
from dwell.runtime.database_lock import retry_while_locked

SCHEMA = ROOT / "schemas" / "heartbeat.schema.json"
# fewer invalid messages do not prove that a producer has changed
MIN_INVALID_COUNT = 10
NOTHING_LANDED = 3
# JSON Schema's types, as DuckDB's json_type names them
TYPES = {
    "string": ["VARCHAR"],
    "number": ["BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"],
    "boolean": ["BOOLEAN"],
}

# Files that a run has loaded are not opened. A merged file may hold messages that are loaded, which
# their offsets show.
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


Schema = dict[str, Any]


class InvalidMessages(NamedTuple):
    """Messages that do not fit for one reason, and the position of the first of them."""

    reason: str
    message_count: int
    partition: int
    offset: int

    def __str__(self) -> str:
        return (
            f"{self.message_count:,} {self.reason} (as offset {self.offset} of partition "
            f"{self.partition})"
        )


def validate(*, landing: str, schema: Path | None, max_share: float) -> int:
    """Validate new messages. 0: load them; 1: too many do not fit; 3: nothing has landed."""
    path = schema or SCHEMA
    try:
        declared = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    folder, database = Landing(Path(landing)), Path(config.database())
    if not folder.has_files():
        log.info(f"nothing has landed in {folder.folder}: there is nothing to load yet")
        return NOTHING_LANDED
    message_count, reasons = retry_while_locked(
        lambda: validate_messages(folder, database, declared)
    )
    invalid_count = sum(reason.message_count for reason in reasons)
    result = f"{invalid_count:,} of {message_count:,} new messages do not fit {path.name}"
    result += f": {'; '.join(map(str, reasons))}" if reasons else ""
    fields = {
        "messages": message_count,
        "invalid": {reason.reason: reason.message_count for reason in reasons},
    }
    if invalid_count >= MIN_INVALID_COUNT and invalid_count > max_share * message_count:
        log.error(
            f"{result}. That is more than a share of {max_share:g}: has a producer changed "
            "what it sends? Nothing was loaded. With --max-share 1, dwell loads what fits, and "
            "keeps the rest in rejected_heartbeats",
            **fields,
        )
        return 1
    log.info(result, **fields)
    return 0


def validate_messages(
    landing: Landing, database: Path, schema: Schema
) -> tuple[int, list[InvalidMessages]]:
    """Return how many messages are new, and those that do not fit the schema, by reason."""
    # the files that dbt reads, by the names that it stores
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
        reason, values = build_reason(schema)
        rows = connection.execute(
            f"""{NEW_MESSAGES.format(unless_loaded=unless_loaded)},
            decoded as (
                select
                    *,
                    json_type(json, $paths) as types,
                    json_extract_string(json, $paths) as texts
                from (select *, try_cast(message as json) as json from new) as parsed
            ),

            validated as (select "partition", "offset", {reason} as reason from decoded)

            select reason, count(*), unnest(min(("partition", "offset")))
            from validated
            group by reason
            order by count(*) desc, reason""",
            {"files": [glob.escape(file) for file in sorted(files)], **values},
        ).fetchall()
    return (
        sum(row[1] for row in rows),
        [InvalidMessages(*row) for row in rows if row[0] is not None],
    )


def is_table(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether a table exists: a database may be new."""
    return bool(
        connection.execute("select 1 from duckdb_tables() where table_name = $1", [name]).fetchall()
    )


def build_reason(schema: Schema) -> tuple[str, dict[str, Any]]:
    """Return an SQL expression, the first reason why a message does not fit, and its parameters.

    It knows those parts of JSON Schema that a heartbeat needs: type, required, pattern, and
    format: date-time.
    """
    fields = schema["required"]
    values: dict[str, Any] = {"paths": [f'$."{field}"' for field in fields]}
    cases = [
        "json_type(json) is distinct from 'OBJECT' then 'unreadable_row'",
        "list_has_any(types, ['OBJECT', 'ARRAY']) then 'unreadable_row'",
    ]
    for number, field in enumerate(fields):
        declared = schema["properties"][field]
        types = [declared["type"]] if isinstance(declared["type"], str) else declared["type"]
        kind, text = f"types[{number + 1}]", f"texts[{number + 1}]"
        values |= {
            f"missing_{number}": f"missing_{field}",
            f"unreadable_{number}": f"unreadable_{field}",
            f"pattern_{number}": declared.get("pattern", ""),
            f"kinds_{number}": [kind for name in types for kind in TYPES[name]],
        }
        cases.append(
            f"{text} is null or not regexp_matches({text}, $pattern_{number}) "
            f"then $missing_{number}"
        )
        wrong = f"not list_contains($kinds_{number}, {kind})"
        if declared.get("format") == "date-time":
            # DuckDB accepts infinity as a time; a player never sends it
            wrong += f" or epoch_us(try_cast({text} as timestamptz)) is null"
        cases.append(f"{wrong} then $unreadable_{number}")
    return "case " + " ".join(f"when {case}" for case in cases) + " end", values
