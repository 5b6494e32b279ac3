"""`dwell load`: loads the streams that have ended into a table of a warehouse.

A ledger has what was loaded. The streams that are new, changed, or retracted since then form
batches, and a batch is a transaction of the warehouse. The process can be killed at any moment and
started again.
"""

import contextlib
import fcntl
import secrets
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import duckdb

from dwell import config
from dwell.exceptions import LoadInUseError, UsageError, WarehouseError
from dwell.publishing.day_ranges import EARLIEST, LATEST, Range
from dwell.publishing.ledger import Ledger
from dwell.publishing.publisher import open_sink, publish
from dwell.publishing.records import Records, write_parquet
from dwell.runtime import log
from dwell.runtime.database_lock import retry_while_locked
from dwell.runtime.text import counted
from dwell.warehouses.base import TABLES, Warehouse, create_warehouse, read_totals, utc_now
from dwell.warehouses.comparison import describe_totals

MAX_DAYS_LOGGED = 3

# a build of an earlier version has no ids of loads
TIMEOUT = """
select
    max(settings) ->> 'watch_timeout_seconds',
    (select count(*) from main.dwell_heartbeat_load_ids)
from main.dwell_heartbeat_loads
"""
STREAMS = """
select *, 1 as revision, false as is_retracted, $shard as shard
from main.fct_watch_streams
where began_at between $first and $last
"""


# -- The command -----------------------------------------------------------------------------


def load(
    *,
    warehouse: str,
    table: str | None,
    shard: str,
    mode: str,
    from_day: date | None,
    to_day: date | None,
    ledger: str | Path | None,
    adopt: bool,
    check: bool,
) -> int:
    """Load ended streams, or compare the table; return 1 if the comparison finds a difference."""
    is_by_days = mode == "overwrite"
    if (from_day or to_day) and not is_by_days and not check:
        raise UsageError("--from and --to go with --mode overwrite, or with --check")
    if adopt and (is_by_days or check):
        raise UsageError("--adopt goes with --mode merge or append, and not with --check")
    days = range_of_days(from_day, to_day)
    name = TABLES[mode] if table is None else table
    target = create_warehouse(warehouse, name, mode, shard)
    database = Path(config.database()).resolve()
    if not database.exists():
        raise WarehouseError(
            f"there is no {database}: build it first, with make, or set DWELL_DATABASE"
        )
    with target.translate_errors():
        if check:
            return compare_days(target, database, days)
        default = database.with_name(f"{database.stem}-loaded-{warehouse}-{name}.duckdb")
        path = Path(ledger or default)
        with lock_ledger(path):
            if is_by_days:
                overwrite_days(target, database, days)
            else:
                load_batches(target, database, path, adopt)
    return 0


def range_of_days(first: date | None, last: date | None) -> Range:
    """Return the days from the first to the last, both included; None is without a limit."""
    if first and last and first > last:
        raise UsageError(f"--from {first} is after --to {last}")
    return Range(
        datetime.combine(first, datetime.min.time()) if first else EARLIEST,
        datetime.combine(last, datetime.max.time()) if last else LATEST,
    )


@contextlib.contextmanager
def lock_ledger(ledger: Path) -> Iterator[None]:
    """Exclude other processes of this machine that load with the same ledger."""
    with ledger.with_name(f".{ledger.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LoadInUseError(
                f"another process loads with {ledger}: wait until it ends. This process has "
                "changed nothing"
            ) from None
        yield


# -- Loads and comparisons -------------------------------------------------------------------


def load_batches(table: Warehouse, database: Path, path: Path, adopt: bool) -> None:
    """Load the streams and revisions that the table lacks."""
    ledger = Ledger(path, table.name)
    table.ledger = ledger.identity()
    if adopt:
        table.open()
        # in the table first: a ledger is refused if the table's last load has another one
        table.adopt_ledger(secrets.randbits(62))
        ledger.adopt(table.read_records(), table.last_batch(), table.ledger)
    open_sink(ledger, table)
    before = table.last_batch()
    # every stream that has ended is due, because a load waits for no grace period
    ledger.write_down(database, read_watch_timeout(database), LATEST)
    with tempfile.TemporaryDirectory() as folder:

        def read_batch(ledger: Ledger, batch: int) -> Records:
            file = Path(folder) / f"batch-{batch}.parquet"
            return ledger.write_records(batch, file, table.shard, utc_now(), table.has_zoned_times)

        publish(ledger, table, read_batch)
    log_changes(table, before)


def overwrite_days(table: Warehouse, database: Path, days: Range) -> None:
    """Replace days of the table by the streams of fct_watch_streams."""
    table.open()
    before, _ = table.last_load()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "days.parquet"
        with open_database(database) as connection:
            values = days._asdict() | {"shard": table.shard}
            loaded_at = utc_now()
            rows = write_parquet(
                connection, STREAMS, values, file, loaded_at, table.has_zoned_times
            )
        table.overwrite(Records(file, rows, (days,), loaded_at), days)
    log_changes(table, before)


def log_changes(table: Warehouse, before: int) -> None:
    """Log how many rows were inserted, updated, and removed after a load."""
    inserted, updated, removed = table.count_changes(before)
    log.info(
        f"{table.name}: {inserted:,} rows inserted, {updated:,} updated, {removed:,} removed",
        table=table.name,
        inserted=inserted,
        updated=updated,
        removed=removed,
    )


def compare_days(table: Warehouse, database: Path, days: Range) -> int:
    """Compare the table with fct_watch_streams by day of began_at; return 1 if they differ."""
    table.connect_or_explain()
    with open_database(database) as connection:
        expected = read_totals(connection, "main.fct_watch_streams", (days,))
    found = table.read_totals((days,))
    wrong = sorted(d for d in expected.keys() | found.keys() if expected.get(d) != found.get(d))
    if wrong:
        differences = "; ".join(
            f"{d}: {describe_totals(found.get(d))} instead of {describe_totals(expected.get(d))}"
            for d in wrong[:MAX_DAYS_LOGGED]
        )
        more = len(wrong) - MAX_DAYS_LOGGED
        if more > 0:
            differences += f"; and {counted(more, 'more day')}"
        log.error(
            f"{table.name} differs from fct_watch_streams. {differences}. Load again; if that does "
            "not fix it, load with --adopt",
            table=table.name,
            days=[str(d) for d in wrong],
        )
        return 1
    streams, heartbeats, watched = (sum(day[n] for day in expected.values()) for n in range(3))
    log.info(
        f"{table.name} has what fct_watch_streams has of each day: "
        f"{counted(streams, 'stream')} on {counted(len(expected), 'day')}, "
        f"{counted(heartbeats, 'heartbeat')}, {watched / 3.6e9:,.1f} hours",
        table=table.name,
        streams=streams,
        days=len(expected),
        heartbeats=heartbeats,
        watched_us=watched,
    )
    return 0


# -- The database --------------------------------------------------------------------------------


@contextlib.contextmanager
def open_database(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the database of the marts to read it; wait while another process writes."""
    with retry_while_locked(lambda: duckdb.connect(str(database), read_only=True)) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


def read_watch_timeout(database: Path) -> float:
    """Return the timeout (s) that the streams were computed with."""
    timeout = None
    with contextlib.suppress(duckdb.CatalogException), open_database(database) as connection:
        ((timeout, _),) = connection.execute(TIMEOUT).fetchall()
    if timeout is None:
        raise WarehouseError(f"{database} has no watch streams: build them first, with make")
    return float(timeout)
