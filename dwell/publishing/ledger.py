"""The ledger: which records of which streams were published, and which are pending.

The ledger is a transactional outbox, in a DuckDB file of its own next to the database. It is
history, and the marts are not: they can be rebuilt without any stream being published twice.

A batch is published in three steps, so a process can be killed between any two of them. The ledger
stores the batch as pending; the sink takes all of it; the ledger marks it as published. At a start,
a pending batch is published again if the sink does not have it.
"""

import contextlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from dwell.exceptions import LedgerError
from dwell.publishing import day_ranges, records, statements
from dwell.runtime import permissions
from dwell.runtime.database_lock import retry_while_locked

BATCH_ROWS = 100_000
NEVER = datetime(1, 1, 1)

Interval = tuple[datetime, datetime]


class Ledger:
    """The ledger in a file, for one sink, about the streams of one database.

    Each method opens the file and closes it, so that others can read it in between.
    """

    def __init__(self, path: Path, sink: str) -> None:
        self.path, self.sink = path, sink
        with self._open() as connection:
            refuse_other_versions(connection, path)
            connection.execute(statements.TABLES)
            # the file may be older than the umask of this command
            permissions.narrow(path)
            names = [name for (name,) in connection.execute("from sink").fetchall()]
        if names not in ([], [sink]):
            raise LedgerError(
                f"{path} is the ledger of {names[0]}, not of {sink}: give another --ledger. If "
                "both are names of the same sink, update the ledger's table sink"
            )

    @contextlib.contextmanager
    def _open(self, marts: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the ledger, and attach the marts; commit at the end, or roll back."""
        with retry_while_locked(lambda: duckdb.connect(str(self.path))) as connection:
            connection.execute("set timezone = 'UTC'")
            if marts:
                path = str(marts).replace("'", "''")
                # views know the database by the name of its file
                attach = f"attach '{path}' as {quote(marts.stem)} (read_only)"
                retry_while_locked(lambda: connection.execute(attach))
            connection.begin()
            yield connection
            connection.commit()

    def last_published_batch(self) -> int:
        """Return the last batch that is marked as published; 0 if there is none."""
        with self._open() as connection:
            sql = "select coalesce(max(batch), 0) from batches where published_at is not null"
            return int(fetch_row(connection.execute(sql))[0])

    def pending_batches(self) -> list[int]:
        """Return the batches that are stored and not published, in order."""
        with self._open() as connection:
            rows = connection.execute(
                "select batch from batches where published_at is null order by batch"
            ).fetchall()
        return [batch for (batch,) in rows]

    def read_messages(self, batch: int) -> records.Messages:
        """Return a batch as (key, JSON)."""
        with self._open() as connection:
            return connection.execute(statements.MESSAGES, {"batch": batch}).fetchall()

    def identity(self) -> int:
        """Return a number that no other ledger has."""
        with self._open() as connection:
            return int(fetch_row(connection.execute("from identity"))[0])

    def write_records(
        self, batch: int, path: Path, shard: str, loaded_at: datetime, is_zoned: bool
    ) -> records.Records:
        """Write a batch, as a shard's, to a Parquet file; return its Records."""
        with self._open() as connection:
            values = {"batch": batch}
            days = [day for (day,) in connection.execute(statements.DAYS, values).fetchall()]
            rows = records.write_parquet(
                connection,
                statements.RECORDS,
                values | {"shard": shard},
                path,
                loaded_at,
                is_zoned,
            )
            return records.Records(path, rows, day_ranges.cover_days(days), loaded_at)

    def adopt(self, rows: Iterable[dict[str, Any]], batch: int, identity: int) -> None:
        """Replace what the ledger stores by the rows of a table, as it was after a batch."""
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, default=datetime.isoformat) + "\n")
            file.flush()
            with self._open() as connection:
                columns = connection.execute("describe publications").fetchall()
                values = {
                    "batch": batch,
                    "rows": file.name,
                    "columns": {name: kind for name, kind, *_ in columns if name != "batch"},
                    "sink": self.sink,
                    "identity": identity,
                }
                for table in statements.EMPTIED:
                    connection.execute(f"delete from {table}")
                for statement in statements.ADOPT:
                    connection.execute(statement, used_values(statement, values))

    def mark_published(self, batch: int) -> None:
        """Mark a batch as published, because the sink has it."""
        with self._open() as connection:
            connection.execute("update batches set published_at = now() where batch = ?", [batch])

    def accept_minutes(self, minutes: Iterable[datetime]) -> set[datetime]:
        """Add to the minutes whose invalid messages are accepted, and return all of them."""
        with self._open() as connection:
            for minute in minutes:
                connection.execute("insert or ignore into accepted_minutes values (?)", [minute])
            return {minute for (minute,) in connection.execute("from accepted_minutes").fetchall()}

    def write_down(
        self,
        marts: Path,
        timeout_seconds: float,
        due_before: datetime,
        withheld: Iterable[Interval] = (),
    ) -> None:
        """Store, as pending, the streams that have ended or changed since the last comparison.

        A stream is due if its last heartbeat is before `due_before`, and in none of the intervals
        `withheld`.
        """
        database = f"{quote(marts.stem)}.main"
        timeout_us = round(timeout_seconds * 1_000_000)
        with self._open(marts) as connection:

            def run(statement: str, **values: Any) -> duckdb.DuckDBPyConnection:
                return connection.execute(
                    statement.format(marts=database), used_values(statement, values)
                )

            position = run(statements.POSITION, timeout_us=timeout_us).fetchone()
            if position is None and fetch_row(run(statements.IS_BEING_REBUILT))[0]:
                # a full comparison would retract the streams that are still missing
                return
            # earlier comparisons have skipped the streams of intervals that are no longer withheld
            if replace_withheld(connection, list(withheld)):
                position = None
            load_number, published_to = position or (-1, NEVER)
            run(statements.CHANGED, load_number=load_number, timeout_us=timeout_us)
            (late,) = fetch_row(run(statements.ENDED_FROM, published_to=published_to))
            run(
                statements.ENDED,
                ended_from=late or published_to,
                published_to=published_to,
                due_before=due_before,
            )
            # a full comparison also finds streams that were published and no longer exist
            compared_from = NEVER
            if position:
                compared_from = fetch_row(run(statements.COMPARED_FROM))[0] or published_to
            (batch,) = fetch_row(run(statements.NEXT_BATCH))
            (rows,) = fetch_row(
                run(
                    statements.TO_PUBLISH,
                    compared_from=compared_from,
                    is_full=position is None,
                    batch=batch,
                    batch_rows=BATCH_ROWS,
                )
            )
            newest_load, ended_before = fetch_row(
                run(statements.NEWEST_LOAD, timeout_us=timeout_us)
            )
            if rows:
                for statement in statements.STORE_BATCHES:
                    run(statement, compared_from=compared_from, sink=self.sink)
            if rows or newest_load != load_number:
                run("delete from position")
                # all streams that had ended and were due are stored; others may end although
                # nothing new arrives. A longer grace period makes this moment an earlier one
                run(
                    statements.SET_POSITION,
                    load_number=newest_load,
                    timeout_us=timeout_us,
                    published_to=min(due_before, ended_before or NEVER),
                )


def refuse_other_versions(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise if a file has tables, and they are not those of this version's ledger."""
    rows = connection.execute(
        "select table_name from duckdb_tables() where database_name = current_database()"
    ).fetchall()
    tables = {name for (name,) in rows}
    if tables and statements.LATEST not in tables:
        raise LedgerError(
            f"{path} is no ledger of this version of dwell: it has no table {statements.LATEST}. "
            "Give another --ledger, and publish to a new sink. dwell load can rebuild its ledger "
            "from the table instead: remove the file, and load with --adopt"
        )


def replace_withheld(connection: duckdb.DuckDBPyConnection, intervals: list[Interval]) -> bool:
    """Store the intervals that are withheld; return whether a part of the stored ones no longer is.

    Neither the stored intervals nor the new ones overlap among themselves.
    """
    stored = connection.execute("from withheld").fetchall()
    connection.execute("delete from withheld")
    for interval in intervals:
        connection.execute("insert into withheld values (?, ?)", interval)
    return not all(
        any(begins <= begins_at and ends_at <= ends for begins, ends in intervals)
        for begins_at, ends_at in stored
    )


def used_values(statement: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that a statement has: DuckDB refuses any others."""
    return {name: value for name, value in values.items() if f"${name}" in statement}


def fetch_row(result: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    """Return the one row of a result."""
    (row,) = result.fetchall()
    return row


def quote(name: str) -> str:
    """Return a name as a quoted identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
