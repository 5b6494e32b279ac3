"""`dwell load`: brings the streams that have ended into a table of a warehouse.

A ledger knows what was loaded; what is new, changed or taken back since then is a batch, and a
batch is a transaction of the warehouse. It can be killed at any moment and started again.
"""

import argparse
import contextlib
import fcntl
import secrets
import tempfile
from datetime import datetime
from importlib import import_module
from pathlib import Path

import duckdb

from dwell import config
from dwell.exceptions import LedgerError, LoadInUseError, WarehouseError
from dwell.publishing import records
from dwell.publishing.day_ranges import EARLIEST, LATEST, Range
from dwell.publishing.ledger import Ledger
from dwell.publishing.publisher import open_sink, publish
from dwell.runtime import log
from dwell.runtime.database_lock import retry_while_locked
from dwell.runtime.text import counted, shorten_error
from dwell.warehouses import base, comparison
from dwell.warehouses.base import Warehouse

TELL_DAYS = 3

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


def main(arguments: argparse.Namespace) -> int:
    """Load, or compare. 0: done, or equal; 1: could not, or different; 2: wrong usage."""
    log.set_up()
    table, errors = None, (OSError,)
    try:
        days = span(arguments)
        # only the client that is asked for need be there
        kind = import_module(f"dwell.warehouses.{arguments.kind}").WAREHOUSE
        name = base.TABLES[arguments.mode] if arguments.table is None else arguments.table
        table = kind(name, arguments.mode, arguments.shard)
        errors += table.errors
        database = Path(config.database()).resolve()
        if not database.exists():
            raise WarehouseError(f"{database} is not there: build it first, with make")
        if arguments.check:
            return check(table, database, days)
        beside = f"{database.stem}-loaded-{arguments.kind}-{name}.duckdb"
        path = Path(arguments.ledger or database.with_name(beside))
        with only_one(path):
            if arguments.mode == "overwrite":
                overwrite(table, database, days)
            else:
                load(table, database, path, arguments.adopt)
    except (ValueError, LedgerError) as error:
        log.error(str(error))
        return 2
    except (WarehouseError, LoadInUseError, duckdb.Error) as error:
        log.error(str(error))
        return 1
    except errors as error:
        # what is pending is loaded at the next start
        log.error(f"{table.name if table else 'dwell'}: {shorten_error(error)}")
        return 1
    return 0


def span(arguments: argparse.Namespace) -> Range:
    """Return the days that are asked for."""
    first, last = arguments.first, arguments.last
    if (first or last) and arguments.mode != "overwrite" and not arguments.check:
        raise ValueError("--from and --to go with --mode overwrite, or with --check")
    if arguments.adopt and (arguments.mode == "overwrite" or arguments.check):
        raise ValueError("--adopt goes with --mode merge or append, and not with --check")
    if first and last and first > last:
        raise ValueError(f"--from {first} is after --to {last}")
    return Range(
        datetime.combine(first, datetime.min.time()) if first else EARLIEST,
        datetime.combine(last, datetime.max.time()) if last else LATEST,
    )


@contextlib.contextmanager
def only_one(ledger: Path):
    """Keep others of this machine from loading by the same ledger."""
    with ledger.with_name(f".{ledger.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LoadInUseError(
                f"another process loads by {ledger}; this one has touched nothing"
            ) from None
        yield


# -- What it does ------------------------------------------------------------------------------


def load(table: Warehouse, database: Path, path: Path, adopt: bool) -> None:
    """Load all that the table lacks."""
    ledger = Ledger(path, table.name)
    table.ledger = ledger.identity()
    if adopt:
        table.open()
        # first there: a ledger that is not of the table's last load is refused
        table.take_over(secrets.randbits(62))
        ledger.adopt(table.records(), table.last_batch(), table.ledger)
    open_sink(ledger, table)
    before = table.last_batch()
    # streams are told as soon as they have ended
    ledger.write_down(database, watch_timeout(database), LATEST)
    with tempfile.TemporaryDirectory() as folder:

        def as_file(ledger: Ledger, batch: int) -> records.Records:
            place = Path(folder) / f"batch-{batch}.parquet"
            return ledger.write_records(batch, place, table.shard, base.now(), table.zoned)

        publish(ledger, table, as_file)
    tell(table, before)


def overwrite(table: Warehouse, database: Path, days: Range) -> None:
    """Replace days by what fct_watch_streams has of them."""
    table.open()
    before, _ = table.last_load()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "days.parquet"
        with reading(database) as connection:
            values = days._asdict() | {"shard": table.shard}
            loaded_at = base.now()
            rows = records.write_parquet(connection, STREAMS, values, place, loaded_at, table.zoned)
        table.overwrite(records.Records(place, rows, (days,), loaded_at), days)
    tell(table, before)


def tell(table: Warehouse, before: int) -> None:
    """Say what came into the table after a load."""
    inserted, updated, removed = table.changes(before)
    log.info(
        f"{table.name}: {inserted:,} rows inserted, {updated:,} updated, {removed:,} removed",
        table=table.name,
        inserted=inserted,
        updated=updated,
        removed=removed,
    )


def check(table: Warehouse, database: Path, days: Range) -> int:
    """Compare the table with fct_watch_streams by day of began_at; 1 if they differ."""
    table.reach()
    with reading(database) as connection:
        true = base.totals(connection, "main.fct_watch_streams", (days,))
    found = table.totals((days,))
    wrong = sorted(d for d in true.keys() | found.keys() if true.get(d) != found.get(d))
    if wrong:
        days = "; ".join(
            f"{d}: {comparison.describe_totals(found.get(d))} instead of "
            f"{comparison.describe_totals(true.get(d))}"
            for d in wrong[:TELL_DAYS]
        )
        more = (
            f"; and {counted(len(wrong) - TELL_DAYS, 'more day')}" if len(wrong) > TELL_DAYS else ""
        )
        log.error(
            f"{table.name} differs from fct_watch_streams. {days}{more}. Load again; if that does "
            "not mend it, load with --adopt",
            table=table.name,
            days=[str(d) for d in wrong],
        )
        return 1
    streams, heartbeats, watched = (sum(day[n] for day in true.values()) for n in range(3))
    log.info(
        f"{table.name} has what fct_watch_streams has of each day: "
        f"{counted(streams, 'stream')} on {counted(len(true), 'day')}, "
        f"{counted(heartbeats, 'heartbeat')}, {watched / 3.6e9:,.1f} hours",
        table=table.name,
        streams=streams,
        days=len(true),
        heartbeats=heartbeats,
        watched_us=watched,
    )
    return 0


# -- The database --------------------------------------------------------------------------------


@contextlib.contextmanager
def reading(database: Path):
    """Open the database of the marts, and wait while someone writes."""
    with retry_while_locked(lambda: duckdb.connect(str(database), read_only=True)) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


def watch_timeout(database: Path) -> float:
    """Return the timeout (s) that the streams were made with."""
    try:
        with reading(database) as connection:
            told, _ = connection.execute(TIMEOUT).fetchone()
    except duckdb.CatalogException:
        told = None
    if told is None:
        raise WarehouseError(f"{database} has no watch streams: build them first, with make")
    return float(told)
