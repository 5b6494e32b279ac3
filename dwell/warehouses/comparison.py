"""Compares a warehouse's table with fct_watch_streams, day by day of began_at.

Days that were equal, and have not changed in the database since, need not be read again: a file
next to the database keeps the totals of the days that were equal. A warehouse then reads only the
partitions of the other days.
"""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from dwell.publishing.day_ranges import ALL, cover_days
from dwell.runtime.atomic_file import replace_file
from dwell.runtime.text import counted
from dwell.warehouses.base import Totals, Warehouse, read_totals

NOTHING: Totals = (0, 0, 0)


class Compared(NamedTuple):
    """The result of a comparison: {day: (in the table, in the database)} where they differ."""

    wrong: dict[date, tuple[Totals, Totals]]
    # that were read in the table
    streams: int
    days: int
    # of the database, and equal before
    days_left_out: int


class Balance(NamedTuple):
    """The days that were equal, after a load of the table."""

    batch: int
    ledger: int
    # a day that differed has none
    days: dict[date, Totals | None]

    @classmethod
    def read(cls, path: Path) -> "Balance | None":
        """Return the content of a file; None if it does not exist or cannot be parsed."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            days = {
                date.fromisoformat(day): tuple(numbers) if numbers else None
                for day, numbers in found["days"].items()
            }
            return cls(found["batch"], found["ledger"], days)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, path: Path) -> None:
        """Replace the file."""
        hidden = path.with_name(f".{path.name}.tmp")
        days = {day.isoformat(): numbers for day, numbers in sorted(self.days.items())}
        content = {
            "compared_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **self._asdict(),
            "days": days,
        }
        hidden.write_text(json.dumps(content), encoding="utf-8")
        replace_file(hidden, path)

    def is_valid_for(self, batch: int, ledger: int) -> bool:
        """Return whether the table is the one of the balance, perhaps with more loads.

        It is not if it was restored, created again, or overwritten. A load that overwrites has no
        ledger, so it may be of another database.
        """
        return bool(ledger) and self.ledger == ledger and self.batch <= batch


def balance_path(database: Path, table: Warehouse, name: str) -> Path:
    """Return the file that keeps which days of a table were equal."""
    return database.with_name(f"{database.stem}-compared-{table.kind}-{name}-{table.shard}.json")


def compare(
    connection: duckdb.DuckDBPyConnection, table: Warehouse, path: Path, full: bool
) -> Compared:
    """Compare the days that changed since they were equal, or all days; store which are equal."""
    expected = read_totals(connection, "main.fct_watch_streams")
    batch, ledger = table.last_load()
    before = None if full else Balance.read(path)
    if before is not None and before.is_valid_for(batch, ledger):
        known = before.days
        changed = [
            day
            for day in expected.keys() | known.keys()
            if expected.get(day, NOTHING) != known.get(day, NOTHING)
        ]
        ranges = cover_days(changed) if changed else ()
    else:
        ranges = ALL
    found = table.read_totals(ranges) if ranges else {}
    days = {
        day
        for day in expected.keys() | found.keys()
        if any(first.date() <= day <= last.date() for first, last in ranges)
    }
    wrong = {
        day: (found.get(day, NOTHING), expected.get(day, NOTHING))
        for day in sorted(days)
        if found.get(day, NOTHING) != expected.get(day, NOTHING)
    }
    Balance(batch, ledger, expected | dict.fromkeys(wrong)).write(path)
    streams = sum(number for number, _, _ in found.values())
    return Compared(wrong, streams, len(days), len(expected.keys() - days))


def describe_totals(totals: Totals | None) -> str:
    """Return the totals of a day as text."""
    if totals is None or totals == NOTHING:
        return "nothing"
    streams, heartbeats, watched = totals
    of_streams, of_heartbeats = counted(streams, "stream"), counted(heartbeats, "heartbeat")
    return f"{of_streams}, {of_heartbeats}, {watched / 1e6:,.6f} s"
