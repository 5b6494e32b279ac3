"""A warehouse's table of streams as a sink of the ledger: what all warehouses have in common.

A load is one transaction, which also inserts a row with the load's number into `<table>_loads`. A
kill leaves both or neither, and the next start reads which. The statements are the same in every
warehouse. The other modules of dwell/warehouses have what differs: how to connect, how to quote
names, how a file becomes a staged table, and what a transaction is.

Several databases can load into one table, each as a shard of its own. A row has its shard, and a
load writes, counts, and compares only the rows of its shard.

A statement contains only numbers and moments that dwell itself computes, and names that were
validated. All other values are in the file.
"""

import contextlib
import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import duckdb

from dwell.config import ROOT
from dwell.exceptions import LedgerError, UsageError, WarehouseError
from dwell.publishing.day_ranges import ALL, Range
from dwell.publishing.publisher import Sink
from dwell.publishing.records import COLUMNS, OF_A_STREAM, Records
from dwell.runtime.text import shorten_error

SCHEMAS = ROOT / "schemas"
# how long a client may try to connect to its warehouse
CONNECT_TIMEOUT_SECONDS = 30
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHARD_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")
# the shard of a database that is loaded without --shard
ONLY_SHARD = "main"
# began_at is start_time or, if that is longer ago than the timeout, the first heartbeat; so two
# revisions of a stream differ by at most a timeout, which is at most a day
LONGEST_TIMEOUT = timedelta(days=1)
# {mode: the file in schemas/ that defines its table}
TABLES = {
    "merge": "watch_streams",
    "append": "watch_stream_history",
    "overwrite": "watch_streams",
}

# streams, heartbeats, and microseconds watched
Totals = tuple[int, int, int]

OF_A_ROW = (*OF_A_STREAM, "revision", "shard", "loaded_at")
ROW, RECORD = ", ".join(OF_A_ROW), ", ".join(COLUMNS)

LOG_LOAD = """
insert into {loads} (shard, batch, load_mode, ledger, loaded_at, inserted, updated, removed)
select '{shard}', {batch}, '{mode}', {ledger}, {loaded_at}, """

# Only rows on the days of the batch are read, so that a warehouse skips the partitions of others.
OF_THE_DAYS = "shard = '{shard}' and {began_at_is_in_ranges}"

MERGE = (
    LOG_LOAD
    + f"""
    coalesce(sum(case when not s.is_retracted and t.stream_id is null then 1 else 0 end), 0),
    coalesce(sum(case when not s.is_retracted and t.stream_id is not null then 1 else 0 end), 0),
    coalesce(sum(case when s.is_retracted and t.stream_id is not null then 1 else 0 end), 0)
from {{staged}} as s
left join (select stream_id from {{table}} where {OF_THE_DAYS}) as t on s.stream_id = t.stream_id
""",
    f"delete from {{table}} where {OF_THE_DAYS} "
    "and stream_id in (select stream_id from {staged})",
    f"insert into {{table}} ({ROW}) select {ROW} from {{staged}} where not is_retracted",
)
APPEND = (
    LOG_LOAD + "count(*), 0, 0 from {staged}",
    f"insert into {{table}} ({RECORD}) select {RECORD} from {{staged}}",
)
OVERWRITE = (
    LOG_LOAD
    + f"""
    (select count(*) from {{staged}}), 0, (select count(*) from {{table}} where {OF_THE_DAYS})
""",
    f"delete from {{table}} where {OF_THE_DAYS}",
    f"insert into {{table}} ({ROW}) select {ROW} from {{staged}}",
)
STATEMENTS = {"merge": MERGE, "append": APPEND, "overwrite": OVERWRITE}

# The streams of a batch that another shard has.
OVERLAP = """
select t.shard, count(distinct t.stream_id)
from (
    select shard, stream_id from {table} where shard <> '{shard}' and {began_at_is_near_ranges}
) as t
inner join {staged} as s on t.stream_id = s.stream_id
group by t.shard
order by t.shard
"""

# The current streams of a history: the last revision of each, if it is no retraction.
CURRENT = f"""(
    select {RECORD}
    from (
        select
            {RECORD}, row_number() over (partition by stream_id order by revision desc) as newest
        from {{table}}
        where shard = '{{shard}}' and {{began_at_is_near_ranges}}
    ) as counted
    where newest = 1 and not is_retracted
) as latest"""

# Integers of microseconds have the same sum in any order; seconds as doubles do not.
TOTALS = """
select
    {day} as began_on,
    count(*) as streams,
    sum(heartbeats) as heartbeats,
    sum(cast(round(stream_duration * 1000000) as numeric)) as watched_us
from {source}
where {condition}
group by {day}
"""


class Warehouse(Sink[Records]):
    """A table and its loads. A subclass knows the client of its warehouse."""

    # the warehouse's name on the command line and in messages, and its folder in schemas/
    kind = ""
    quote_mark = '"'
    # the exceptions of its client
    errors: tuple[type[Exception], ...] = ()
    # whether times in a file must have a type with a zone
    has_zoned_times = False
    staged = "dwell_staged"

    remedy = (
        "Give the ledger that matches, or --adopt to rebuild this one from the table. If the table "
        "is to have the streams of several databases, give each database a --shard of its own"
    )

    def __init__(self, table: str, mode: str, shard: str = ONLY_SHARD) -> None:
        if not SHARD_NAME.fullmatch(shard):
            raise UsageError(
                f"--shard {shard}: use letters, digits, _, and -, at most 63, as in eu-1"
            )
        self.shard = shard
        self.parts = [self.fold_name(part) for part in self.split_name(table)]
        self.mode = mode
        self.table = self.quote_name(*self.parts)
        self.loads = self.quote_name(
            *self.parts[:-1], f"{self.parts[-1]}{self.fold_name('_loads')}"
        )
        self.name = f"{self.kind} table {table}"
        if shard != ONLY_SHARD:
            self.name += f", shard {shard}"
        self.ledger = 0

    # -- What differs between warehouses ---------------------------------------------------------

    def fold_name(self, name: str) -> str:
        """Return a name as the warehouse reads it without quotes."""
        return name

    @abstractmethod
    def connect(self) -> None:
        """Connect, with the variables of the environment that the client reads."""

    @abstractmethod
    def query(self, sql: str) -> Iterable[tuple[Any, ...]]:
        """Return the rows of a query."""

    @abstractmethod
    def has_table(self, table: str) -> bool:
        """Return whether a table exists."""

    @abstractmethod
    def create_table(self, table: str, definition: str) -> None:
        """Create a table by its definition in schemas/."""

    @abstractmethod
    def stage(self, records: Records) -> None:
        """Replace the rows of the table `staged` by the records."""

    @abstractmethod
    def transact(self, statements: list[str], batch: int) -> None:
        """Execute all statements or none."""

    def format_moment(self, at: datetime) -> str:
        """Return a moment of UTC as SQL that does not depend on the default time zone."""
        return format_moment(at)

    def format_day(self, column: str) -> str:
        """Return the day (UTC) of a time as SQL that does not depend on the default time zone."""
        return format_day(column)

    # -- As a sink -------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect, and create the tables if they do not exist."""
        self.connect_or_explain()
        has_loads = self.has_table(self.loads)
        if not self.has_table(self.table):
            self.create_table(self.table, TABLES[self.mode])
        elif not has_loads and list(self.query(f"select 1 from {self.table} limit 1")):
            raise WarehouseError(
                f"{self.name} has rows, and there is no {self.loads} that records their loads: "
                "empty the table, or give another --table"
            )
        if has_loads:
            self.refuse_other_modes()
        else:
            self.create_table(self.loads, "watch_streams_loads")

    def connect_or_explain(self) -> None:
        """Connect, or raise an error that describes what to compare."""
        # clients raise ValueError for a wrong variable
        errors: tuple[type[Exception], ...] = (*self.errors, ValueError)
        try:
            self.connect()
        except errors as error:
            raise WarehouseError(
                f"{self.name} cannot be reached: {shorten_error(error)}. docs/how-to/load.md lists "
                "the variables that name the server and the user"
            ) from error

    @contextlib.contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raise an exception of the client as a WarehouseError."""
        try:
            yield
        except self.errors as error:
            raise WarehouseError(f"{self.name}: {shorten_error(error)}") from error

    def refuse_other_modes(self) -> None:
        """Raise if the table was loaded in another mode: its rows are of another kind then."""
        modes = self.query(
            f"select load_mode from {self.loads} where load_mode <> '{self.mode}' limit 1"
        )
        for (mode,) in modes:
            raise WarehouseError(
                f"{self.name} is loaded with --mode {mode}: use that mode, or give another --table"
            )

    def last_load(self) -> tuple[int, int]:
        """Return (number, ledger) of the last load of the shard, (0, 0) if there was none."""
        rows = self.query(
            f"select batch, ledger from {self.loads} where shard = '{self.shard}' "
            "order by batch desc limit 1"
        )
        return next(((batch, ledger) for batch, ledger in rows), (0, 0))

    def list_other_shards(self) -> list[str]:
        """Return the other shards of the table."""
        shards = self.query(
            f"select distinct shard from {self.loads} where shard <> '{self.shard}'"
        )
        return sorted(shard for (shard,) in shards)

    def last_batch(self) -> int:
        """Return the last batch that is in the table; 0 if there is none."""
        batch, ledger = self.last_load()
        if batch and ledger != self.ledger:
            raise LedgerError(
                f"{self.name} was loaded with another ledger, or from another machine. "
                f"{self.remedy}"
            )
        return batch

    def publish(self, batch: int, records: Records) -> None:
        """Load a batch, and record its number."""
        self.load(batch, records, records.ranges)

    # -- Loads and totals ------------------------------------------------------------------------

    def overwrite(self, records: Records, days: Range) -> None:
        """Replace the streams that began between two moments, both included."""
        self.load(self.last_load()[0] + 1, records, (days,))

    def load(self, batch: int, records: Records, ranges: tuple[Range, ...]) -> None:
        """Load records by the statements of the mode; their began_at is in the ranges."""
        self.stage(records)
        self.refuse_overlap(ranges)
        values = {
            "mode": self.mode,
            "batch": int(batch),
            "ledger": int(self.ledger),
            "loaded_at": self.format_moment(records.loaded_at),
        }
        statements = [self.render(sql, ranges, **values) for sql in STATEMENTS[self.mode]]
        self.transact(statements, batch)

    def refuse_overlap(self, ranges: tuple[Range, ...]) -> None:
        """Raise if another shard has one of the staged streams: it would count twice."""
        if not self.list_other_shards():
            return
        for shard, streams in self.query(self.render(OVERLAP, ranges)):
            raise WarehouseError(
                f"{self.name}: {streams:,} streams of this database are in the table already, "
                f"loaded as shard {shard}. Nothing of this batch was loaded. All heartbeats of a "
                "stream must go to the database of one shard; if this is that shard's database, "
                f"load it with --shard {shard}"
            )

    def render(self, sql: str, ranges: tuple[Range, ...], **values: object) -> str:
        """Return a statement about the rows of this shard with a began_at in ranges."""
        near = [days.widened(LONGEST_TIMEOUT) for days in ranges]
        return sql.format(
            table=self.table,
            loads=self.loads,
            staged=self.staged,
            shard=self.shard,
            began_at_is_in_ranges=in_ranges(ranges, self.format_moment),
            began_at_is_near_ranges=in_ranges(near, self.format_moment),
            **values,
        ).strip()

    def adopt_ledger(self, ledger: int) -> int:
        """Record that the shard has another ledger from now on; return the number of the record."""
        self.ledger = ledger
        batch = self.last_load()[0] + 1
        columns = "shard, batch, load_mode, ledger, loaded_at, inserted, updated, removed"
        values = (
            f"'{self.shard}', {batch}, '{self.mode}', {int(self.ledger)}, "
            f"{self.format_moment(utc_now())}, 0, 0, 0"
        )
        self.transact([f"insert into {self.loads} ({columns}) values ({values})"], batch)
        return batch

    def read_records(self) -> Iterator[dict[str, Any]]:
        """Return the rows of the shard, as records without shard and loaded_at."""
        columns = [*OF_A_STREAM, "revision"]
        if self.mode == "append":
            columns.append("is_retracted")
        rows = self.query(
            f"select {', '.join(columns)} from {self.table} where shard = '{self.shard}'"
        )
        for row in rows:
            values = (without_zone(v) if isinstance(v, datetime) else v for v in row)
            yield {"is_retracted": False} | dict(zip(columns, values, strict=True))

    def count_changes(self, since: int) -> tuple[int, int, int]:
        """Return how many rows were inserted, updated, and removed after a load."""
        ((inserted, updated, removed),) = self.query(
            "select coalesce(sum(inserted), 0), coalesce(sum(updated), 0), "
            f"coalesce(sum(removed), 0) from {self.loads} "
            f"where shard = '{self.shard}' and batch > {int(since)}"
        )
        return int(inserted), int(updated), int(removed)

    def read_totals(self, ranges: tuple[Range, ...] = ALL) -> dict[date, Totals]:
        """Return {day of began_at: totals} of the shard."""
        sql = TOTALS.format(
            source=CURRENT if self.mode == "append" else "{table}",
            condition=OF_THE_DAYS,
            day=self.format_day("began_at"),
        )
        return group_by_day(self.query(self.render(sql, ranges)))

    # -- Names -----------------------------------------------------------------------------------

    def split_name(self, table: str) -> list[str]:
        """Return the parts of a table's name; raise if one is no plain name."""
        parts = table.split(".")
        if len(parts) > 3 or not all(NAME.fullmatch(part) for part in parts):
            raise UsageError(
                f"--table {table}: use letters, digits, and _, as in analytics.streams"
            )
        return parts

    def quote_name(self, *parts: str) -> str:
        """Return a name as a quoted identifier of SQL."""
        return ".".join(f"{self.quote_mark}{part}{self.quote_mark}" for part in parts)

    def read_definition(self, table: str, name: str) -> list[str]:
        """Return the statements of a file in schemas/, for a table of a name."""
        text = (SCHEMAS / self.kind / f"{name}.sql").read_text(encoding="utf-8")
        without_comments = re.sub(r"(?m)^--.*\n", "", text)
        # a name in a description has a word before it, as in fct_watch_streams
        renamed = re.sub(rf"\b{name}\b", lambda _: table, without_comments)
        return [statement for statement in renamed.split(";\n") if statement.strip()]


def create_warehouse(kind: str, table: str, mode: str, shard: str) -> Warehouse:
    """Return the table of a kind of warehouse, not connected yet."""
    # imports the client of this warehouse alone
    module = import_module(f"dwell.warehouses.{kind}")
    warehouse: Warehouse = module.WAREHOUSE(table, mode, shard)
    return warehouse


def read_totals(
    connection: duckdb.DuckDBPyConnection, streams: str, ranges: tuple[Range, ...] = ALL
) -> dict[date, Totals]:
    """Return {day of began_at: totals} of a relation in DuckDB."""
    sql = TOTALS.format(
        source=streams, condition=in_ranges(ranges, format_moment), day=format_day("began_at")
    )
    return group_by_day(connection.execute(sql).fetchall())


def group_by_day(rows: Iterable[tuple[Any, ...]]) -> dict[date, Totals]:
    """Return the rows of TOTALS by day."""
    return {
        day: (int(streams), int(heartbeats), int(watched))
        for day, streams, heartbeats, watched in rows
    }


def in_ranges(ranges: Iterable[Range], to_sql: Callable[[datetime], str]) -> str:
    """Return the SQL condition that began_at is in one of some ranges."""
    conditions = [f"began_at between {to_sql(first)} and {to_sql(last)}" for first, last in ranges]
    return f"({' or '.join(conditions)})"


def format_moment(at: datetime) -> str:
    """Return a moment of UTC as SQL, where times have no zone."""
    if not isinstance(at, datetime) or at.tzinfo is not None:
        raise TypeError(f"{at!r} must be a time of UTC without a zone")
    return f"timestamp '{at.isoformat(' ', 'microseconds')}'"


def format_day(column: str) -> str:
    """Return the day of a time as SQL, where times have no zone."""
    return f"cast({column} as date)"


def without_zone(at: datetime) -> datetime:
    """Return a time of a warehouse as a time of UTC without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


def utc_now() -> datetime:
    """Return the time (UTC, without a zone)."""
    return datetime.now(UTC).replace(tzinfo=None)
