"""A warehouse's table of streams, as a sink of the ledger: what is the same in all of them.

A load is one transaction, which also writes a row into `<table>_loads` with the load's number: a
kill leaves both or neither, and the next start reads which. The statements are the same in every
warehouse. What differs is in dwell/warehouses: how one connects, how names are quoted, how a file
becomes a staged table, and what a transaction is.

Several databases can load into one table, each as a shard of its own: a row carries its shard, and
a load touches, counts and compares the rows of its shard alone.

Only numbers and moments that dwell itself made, and names that were checked, stand in a statement;
all else is in the file.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from dwell.config import ROOT
from dwell.exceptions import LedgerError, WarehouseError
from dwell.publishing.day_ranges import ALL, Range
from dwell.publishing.records import COLUMNS, OF_A_STREAM, Records
from dwell.runtime.text import shorten_error

SCHEMAS = ROOT / "schemas"
# how long a client may try to reach its warehouse
PATIENCE_SECONDS = 30
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHARD_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")
# the shard of a table into which one database is loaded
ONLY_SHARD = "main"
# a key's began_at is start_time or, if that is longer ago than the timeout, the first heartbeat; a
# timeout is a day at most
LONGEST_TIMEOUT = timedelta(days=1)
# {mode: the file in schemas/ that defines its table}
TABLES = {
    "merge": "watch_streams",
    "append": "watch_stream_history",
    "overwrite": "watch_streams",
}

OF_A_ROW = (*OF_A_STREAM, "revision", "shard", "loaded_at")
ROW, RECORD = ", ".join(OF_A_ROW), ", ".join(COLUMNS)

NOTE = """
insert into {loads} (shard, batch, load_mode, ledger, loaded_at, inserted, updated, removed)
select '{shard}', {batch}, '{mode}', {ledger}, {loaded_at}, """

# Rows are looked for on the days of the batch only, so that a warehouse passes over all others.
OF_THE_DAYS = "shard = '{shard}' and {began_at_is_in_ranges}"

MERGE = (
    NOTE
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
    NOTE + "count(*), 0, 0 from {staged}",
    f"insert into {{table}} ({RECORD}) select {RECORD} from {{staged}}",
)
OVERWRITE = (
    NOTE
    + f"""
    (select count(*) from {{staged}}), 0, (select count(*) from {{table}} where {OF_THE_DAYS})
""",
    f"delete from {{table}} where {OF_THE_DAYS}",
    f"insert into {{table}} ({ROW}) select {ROW} from {{staged}}",
)
STATEMENTS = {"merge": MERGE, "append": APPEND, "overwrite": OVERWRITE}

# A batch's streams that another shard has.
OVERLAP = """
select t.shard, count(distinct t.stream_id)
from (
    select shard, stream_id from {table} where shard <> '{shard}' and {began_at_is_near_ranges}
) as t
inner join {staged} as s on t.stream_id = s.stream_id
group by t.shard
order by t.shard
"""

# What holds of a history: the last of each stream, if it was not retracted.
HOLDS = f"""(
    select {RECORD}
    from (
        select
            {RECORD}, row_number() over (partition by stream_id order by revision desc) as newest
        from {{table}}
        where shard = '{{shard}}' and {{began_at_is_near_ranges}}
    ) as counted
    where newest = 1 and not is_retracted
) as holding"""

# The seconds are a whole number of microseconds, and so is their sum, whatever the order.
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


class Warehouse(ABC):
    """A table and its loads. Subclasses say how one talks to their warehouse."""

    # who writes the warehouse in its messages, and the name of its folder in schemas/
    kind = ""
    quote = '"'
    # what its client raises
    errors: tuple[type[Exception], ...] = ()
    # whether times in a file are of UTC by their type, too
    zoned = False
    staged = "dwell_staged"

    # as a sink: the loads are there as long as the table is
    forgets = False
    remedy = (
        "Give the ledger that does, or --adopt to make this one anew from the table. If the table "
        "is to have another database's streams too, give this one a --shard of its own"
    )

    def __init__(self, table: str, mode: str, shard: str = ONLY_SHARD):
        if not SHARD_NAME.fullmatch(shard):
            raise ValueError(f"--shard {shard}: letters, digits, _ and -, 63 at most, as in eu-1")
        self.shard = shard
        self.parts = [self.folded(part) for part in self.checked(table)]
        self.mode = mode
        self.table = self.quoted(*self.parts)
        self.loads = self.quoted(*self.parts[:-1], f"{self.parts[-1]}{self.folded('_loads')}")
        self.name = f"{self.kind} table {table}"
        if shard != ONLY_SHARD:
            self.name += f", shard {shard}"
        self.ledger = 0

    # -- What is different in each ---------------------------------------------------------------

    def folded(self, name: str) -> str:
        """Return a name as the warehouse reads it where it is not quoted."""
        return name

    @abstractmethod
    def connect(self) -> None:
        """Connect, with what the environment says."""

    @abstractmethod
    def query(self, sql: str) -> Iterable[tuple]:
        """Return the rows of a query."""

    @abstractmethod
    def is_there(self, table: str) -> bool:
        """Whether there is a table."""

    @abstractmethod
    def create(self, table: str, definition: str) -> None:
        """Create a table by its definition in schemas/."""

    @abstractmethod
    def stage(self, records: Records) -> None:
        """Have the records in the table `staged`, and nothing else there."""

    @abstractmethod
    def transact(self, statements: list[str], batch: int) -> None:
        """Do all statements, or none."""

    def moment(self, at: datetime) -> str:
        """Return a moment of UTC as SQL, which no default time zone changes."""
        return moment(at)

    def day(self, column: str) -> str:
        """Return the day (UTC) of a time as SQL, which no default time zone changes."""
        return day(column)

    # -- As a sink -------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect; make the tables if they are not there."""
        self.reach()
        had_loads = self.is_there(self.loads)
        if not self.is_there(self.table):
            self.create(self.table, TABLES[self.mode])
        elif not had_loads and list(self.query(f"select 1 from {self.table} limit 1")):
            raise WarehouseError(
                f"{self.name} has rows, and {self.loads} does not say who loaded them: empty it, "
                "or give another --table"
            )
        if had_loads:
            self.refuse_other_modes()
        else:
            self.create(self.loads, "watch_streams_loads")

    def reach(self) -> None:
        """Connect, or say that it could not be."""
        try:
            self.connect()
        except self.errors as error:
            raise WarehouseError(
                f"{self.name} cannot be reached: {shorten_error(error)}. docs/how-to/load.md lists "
                "the variables that name the server and the user"
            ) from None

    def refuse_other_modes(self) -> None:
        """Refuse to load a table in two modes: each shard's rows are then of another kind."""
        modes = self.query(
            f"select load_mode from {self.loads} where load_mode <> '{self.mode}' limit 1"
        )
        for (mode,) in modes:
            raise WarehouseError(
                f"{self.name} is loaded with --mode {mode}: load it so, or give another --table"
            )

    def last_load(self) -> tuple[int, int]:
        """Return (number, ledger) of the last load of the shard, (0, 0) if there was none."""
        rows = self.query(
            f"select batch, ledger from {self.loads} where shard = '{self.shard}' "
            "order by batch desc limit 1"
        )
        return next(((batch, ledger) for batch, ledger in rows), (0, 0))

    def other_shards(self) -> list[str]:
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
        """Load a batch, and note its number."""
        self.load(batch, records, records.ranges)

    # -- And more --------------------------------------------------------------------------------

    def overwrite(self, records: Records, days: Range) -> None:
        """Replace what began between two moments, both included."""
        self.load(self.last_load()[0] + 1, records, (days,))

    def load(self, batch: int, records: Records, ranges: tuple[Range, ...]) -> None:
        """Load records by the statements of the mode; their keys' began_at is in the ranges."""
        self.stage(records)
        self.refuse_overlap(ranges)
        values = {
            "mode": self.mode,
            "batch": int(batch),
            "ledger": int(self.ledger),
            "loaded_at": self.moment(records.loaded_at),
        }
        statements = [self.written(sql, ranges, **values) for sql in STATEMENTS[self.mode]]
        self.transact(statements, batch)

    def refuse_overlap(self, ranges: tuple[Range, ...]) -> None:
        """Refuse to load staged streams that another shard has: they would count twice."""
        if not self.other_shards():
            return
        for shard, streams in self.query(self.written(OVERLAP, ranges)):
            raise WarehouseError(
                f"{self.name}: {streams:,} streams of this database are in the table already, "
                f"loaded as shard {shard}. Nothing of this batch was loaded. All heartbeats of a "
                "stream must go to the database of one shard; if this is that shard's database, "
                f"load it with --shard {shard}"
            )

    def written(self, sql: str, ranges: tuple[Range, ...], **values) -> str:
        """Return a statement about the rows of this shard with a began_at in ranges."""
        near = [days.widened(LONGEST_TIMEOUT) for days in ranges]
        return sql.format(
            table=self.table,
            loads=self.loads,
            staged=self.staged,
            shard=self.shard,
            began_at_is_in_ranges=is_in(ranges, self.moment),
            began_at_is_near_ranges=is_in(near, self.moment),
            **values,
        ).strip()

    def take_over(self, ledger: int) -> int:
        """Note that the shard's ledger is another from now on; return the number of that note."""
        self.ledger = ledger
        batch = self.last_load()[0] + 1
        note = (
            f"'{self.shard}', {batch}, '{self.mode}', {int(self.ledger)}, {self.moment(now())}, "
            "0, 0, 0"
        )
        columns = "shard, batch, load_mode, ledger, loaded_at, inserted, updated, removed"
        self.transact([f"insert into {self.loads} ({columns}) values ({note})"], batch)
        return batch

    def records(self) -> Iterable[dict]:
        """Return what the table has of the shard, as records without shard and loaded_at."""
        columns = [*OF_A_STREAM, "revision"]
        if self.mode == "append":
            columns.append("is_retracted")
        rows = self.query(
            f"select {', '.join(columns)} from {self.table} where shard = '{self.shard}'"
        )
        for row in rows:
            values = (in_utc(v) if isinstance(v, datetime) else v for v in row)
            yield {"is_retracted": False} | dict(zip(columns, values, strict=True))

    def changes(self, since: int) -> tuple[int, int, int]:
        """Return how many rows were inserted, updated and removed after a load."""
        ((inserted, updated, removed),) = self.query(
            "select coalesce(sum(inserted), 0), coalesce(sum(updated), 0), "
            f"coalesce(sum(removed), 0) from {self.loads} "
            f"where shard = '{self.shard}' and batch > {int(since)}"
        )
        return int(inserted), int(updated), int(removed)

    def totals(self, ranges: tuple[Range, ...] = ALL) -> dict[date, tuple[int, int, int]]:
        """Return {day of began_at: (streams, heartbeats, µs watched)} of what the shard has."""
        sql = TOTALS.format(
            source=HOLDS if self.mode == "append" else "{table}",
            condition=OF_THE_DAYS,
            day=self.day("began_at"),
        )
        return totals_by_day(self.query(self.written(sql, ranges)))

    # -- Names -----------------------------------------------------------------------------------

    def checked(self, table: str) -> list[str]:
        """Return the parts of a table's name."""
        parts = table.split(".")
        if len(parts) > 3 or not all(NAME.fullmatch(part) for part in parts):
            raise ValueError(f"--table {table}: letters, digits and _, as in analytics.streams")
        return parts

    def quoted(self, *parts: str) -> str:
        """Return a name as SQL has it."""
        return ".".join(f"{self.quote}{part}{self.quote}" for part in parts)

    def definition(self, table: str, name: str) -> list[str]:
        """Return the statements of a file in schemas/, for a table of a name."""
        text = (SCHEMAS / self.kind / f"{name}.sql").read_text(encoding="utf-8")
        without_reasons = re.sub(r"(?m)^--.*\n", "", text)
        # a name in a description has a word before it, as in fct_watch_streams
        named = re.sub(rf"\b{name}\b", lambda _: table, without_reasons)
        return [statement for statement in named.split(";\n") if statement.strip()]


def totals(connection, streams: str, ranges: tuple[Range, ...] = ALL) -> dict:
    """Return {day of began_at: (streams, heartbeats, µs watched)} of a relation in DuckDB."""
    sql = TOTALS.format(source=streams, condition=is_in(ranges, moment), day=day("began_at"))
    return totals_by_day(connection.execute(sql).fetchall())


def totals_by_day(rows: Iterable[tuple]) -> dict[date, tuple[int, int, int]]:
    """Return the rows of TOTALS by day."""
    return {day: tuple(int(number) for number in numbers) for day, *numbers in rows}


def is_in(ranges: Iterable[Range], moment) -> str:
    """Return the SQL condition that began_at is in one of some ranges."""
    conditions = [f"began_at between {moment(first)} and {moment(last)}" for first, last in ranges]
    return f"({' or '.join(conditions)})"


def moment(at: datetime) -> str:
    """Return a moment of UTC as SQL has it where times have no zone."""
    if not isinstance(at, datetime) or at.tzinfo is not None:
        raise TypeError(f"{at!r} is no moment of UTC without a zone")
    return f"timestamp '{at.isoformat(' ', 'microseconds')}'"


def day(column: str) -> str:
    """Return the day of a time as SQL has it where times have no zone."""
    return f"cast({column} as date)"


def in_utc(at: datetime) -> datetime:
    """Return a time that a warehouse gave as a time of UTC without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


def now() -> datetime:
    """Return the time (UTC, without a zone)."""
    return datetime.now(UTC).replace(tzinfo=None)
