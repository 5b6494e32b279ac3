"""A warehouse's table of streams, as a sink of the ledger: what is the same in all of them.

A load is one transaction, which also writes a row into `<table>_loads` with the load's number: a
kill leaves both or neither, and the next start reads which. The statements are the same in every
warehouse. What differs is in dwell/warehouses: how one connects, how names are quoted, how a file
becomes a staged table, and what a transaction is.

Only numbers and moments that dwell itself made stand in a statement; all else is in the file.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from dwell.ledger import LedgerTrouble
from dwell.records import COLUMNS, OF_A_STREAM, Records

SCHEMAS = Path(__file__).parents[1] / "schemas"
# how long a client may try to reach its warehouse
PATIENCE_SECONDS = 30
EARLIEST, LATEST = datetime(1, 1, 1), datetime(9999, 12, 31)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# {mode: the file in schemas/ that defines its table}
TABLES = {
    "merge": "watch_streams",
    "append": "watch_stream_history",
    "overwrite": "watch_streams",
}

OF_A_ROW = (*OF_A_STREAM, "revision", "loaded_at")
ROW, RECORD = ", ".join(OF_A_ROW), ", ".join(COLUMNS)

NOTE = """
insert into {loads} (batch, load_mode, ledger, loaded_at, inserted, updated, removed)
select {batch}, '{mode}', {ledger}, {loaded_at}, """

# Keys are looked for between bounds only, so that a warehouse passes over all other days.
BETWEEN = "began_at between {first} and {last}"

MERGE = (
    NOTE
    + f"""
    coalesce(sum(case when not s.is_retracted and t.stream_id is null then 1 else 0 end), 0),
    coalesce(sum(case when not s.is_retracted and t.stream_id is not null then 1 else 0 end), 0),
    coalesce(sum(case when s.is_retracted and t.stream_id is not null then 1 else 0 end), 0)
from {{staged}} as s
left join {{table}} as t on s.stream_id = t.stream_id and t.{BETWEEN}
""",
    f"delete from {{table}} where {BETWEEN} and stream_id in (select stream_id from {{staged}})",
    f"insert into {{table}} ({ROW}) select {ROW} from {{staged}} where not is_retracted",
)
APPEND = (
    NOTE + "count(*), 0, 0 from {staged}",
    f"insert into {{table}} ({RECORD}) select {RECORD} from {{staged}}",
)
OVERWRITE = (
    NOTE
    + f"""
    (select count(*) from {{staged}}), 0, (select count(*) from {{table}} where {BETWEEN})
""",
    f"delete from {{table}} where {BETWEEN}",
    f"insert into {{table}} ({ROW}) select {ROW} from {{staged}}",
)
STATEMENTS = {"merge": MERGE, "append": APPEND, "overwrite": OVERWRITE}

# What holds of a history: the last of each stream, if it was not taken back.
HOLDS = f"""(
    select {RECORD}
    from (
        select
            {RECORD}, row_number() over (partition by stream_id order by revision desc) as newest
        from {{table}}
    ) as counted
    where newest = 1 and not is_retracted
) as holding"""

# The seconds are a whole number of microseconds, and so is their sum, whatever the order.
TOTALS = f"""
select
    cast(began_at as date) as began_on,
    count(*) as streams,
    sum(heartbeats) as heartbeats,
    sum(cast(round(stream_duration * 1000000) as numeric)) as watched_us
from {{source}}
where {BETWEEN}
group by cast(began_at as date)
"""


class WarehouseTrouble(Exception):
    """The table cannot be loaded so; a sentence that says why, and what to do."""


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
    remedy = "Give the ledger that does, or --adopt to make this one anew from the table"

    def __init__(self, table: str, mode: str):
        self.parts = [self.folded(part) for part in self.checked(table)]
        self.mode = mode
        self.table = self.quoted(*self.parts)
        self.loads = self.quoted(*self.parts[:-1], f"{self.parts[-1]}{self.folded('_loads')}")
        self.name = f"{self.kind} table {table}"
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

    # -- As a sink -------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect; make the tables if they are not there."""
        self.reach()
        had_loads = self.is_there(self.loads)
        if not self.is_there(self.table):
            self.create(self.table, TABLES[self.mode])
        elif not had_loads and list(self.query(f"select 1 from {self.table} limit 1")):
            raise WarehouseTrouble(
                f"{self.name} has rows, and {self.loads} does not say who loaded them: empty it, "
                "or give another --table"
            )
        if not had_loads:
            self.create(self.loads, "watch_streams_loads")

    def reach(self) -> None:
        """Connect, or say that it could not be."""
        try:
            self.connect()
        except self.errors as error:
            raise WarehouseTrouble(
                f"{self.name} cannot be reached: {in_short(error)}. docs/loading.md tells by which "
                "variables one says where it is, and who one is"
            ) from None

    def last_load(self) -> tuple[int, int]:
        """Return (number, ledger) of the last load, (0, 0) if there was none."""
        rows = list(
            self.query(
                f"select batch, load_mode, ledger from {self.loads} order by batch desc limit 1"
            )
        )
        if not rows:
            return 0, 0
        ((batch, mode, ledger),) = rows
        if mode != self.mode:
            raise WarehouseTrouble(
                f"{self.name} is loaded with --mode {mode}: load it so, or give another --table"
            )
        return batch, ledger

    def last_batch(self) -> int:
        """Return the last batch that is in the table; 0 if there is none."""
        batch, ledger = self.last_load()
        if batch and ledger != self.ledger:
            raise LedgerTrouble(
                f"{self.name} was loaded with another ledger, or from another machine. "
                f"{self.remedy}"
            )
        return batch

    def publish(self, batch: int, records: Records) -> None:
        """Load a batch, and note its number."""
        self.load(batch, records, records.first, records.last)

    # -- And more --------------------------------------------------------------------------------

    def overwrite(self, records: Records, first: datetime, last: datetime) -> None:
        """Replace what began between two moments, both included."""
        self.load(self.last_load()[0] + 1, records, first, last)

    def load(self, batch: int, records: Records, first: datetime, last: datetime) -> None:
        """Load records by the statements of the mode."""
        self.stage(records)
        values = {
            "table": self.table,
            "loads": self.loads,
            "staged": self.staged,
            "mode": self.mode,
            "batch": int(batch),
            "ledger": int(self.ledger),
            "loaded_at": moment(records.loaded_at),
            "first": moment(first),
            "last": moment(last),
        }
        self.transact([sql.format(**values).strip() for sql in STATEMENTS[self.mode]], batch)

    def take_over(self, ledger: int) -> int:
        """Note that the ledger is another from now on; return the number of that note."""
        self.ledger = ledger
        batch = self.last_load()[0] + 1
        note = f"{batch}, '{self.mode}', {int(self.ledger)}, {moment(now())}, 0, 0, 0"
        columns = "batch, load_mode, ledger, loaded_at, inserted, updated, removed"
        self.transact([f"insert into {self.loads} ({columns}) values ({note})"], batch)
        return batch

    def records(self) -> Iterable[dict]:
        """Return what the table has, as records without loaded_at."""
        columns = [*OF_A_STREAM, "revision"]
        if self.mode == "append":
            columns.append("is_retracted")
        for row in self.query(f"select {', '.join(columns)} from {self.table}"):
            values = (v.replace(tzinfo=None) if isinstance(v, datetime) else v for v in row)
            yield {"is_retracted": False} | dict(zip(columns, values, strict=True))

    def changes(self, since: int) -> tuple[int, int, int]:
        """Return how many rows were inserted, updated and removed after a load."""
        ((inserted, updated, removed),) = self.query(
            "select coalesce(sum(inserted), 0), coalesce(sum(updated), 0), "
            f"coalesce(sum(removed), 0) from {self.loads} where batch > {int(since)}"
        )
        return int(inserted), int(updated), int(removed)

    def totals(self, first: datetime, last: datetime) -> dict[date, tuple[int, int, int]]:
        """Return {day of began_at: (streams, heartbeats, µs watched)} of what holds."""
        source = HOLDS.format(table=self.table) if self.mode == "append" else self.table
        return totals(self.query, source, first, last)

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


def in_short(error: Exception) -> str:
    """Return what went wrong, without the pages that some clients add."""
    told = " ".join(str(error).split()).rstrip(".")
    return told if len(told) <= 500 else f"{told[:500]} ..."


def totals(query, source: str, first: datetime, last: datetime) -> dict:
    """Return {day: (streams, heartbeats, µs watched)} of a relation."""
    sql = TOTALS.format(source=source, first=moment(first), last=moment(last))
    return {day: tuple(int(n) for n in numbers) for day, *numbers in query(sql)}


def moment(at: datetime) -> str:
    """Return a moment as SQL has it everywhere."""
    if not isinstance(at, datetime) or at.tzinfo is not None:
        raise TypeError(f"{at!r} is no moment of UTC without a zone")
    return f"timestamp '{at.isoformat(' ', 'microseconds')}'"


def now() -> datetime:
    """Return the time (UTC, without a zone)."""
    return datetime.now(UTC).replace(tzinfo=None)
