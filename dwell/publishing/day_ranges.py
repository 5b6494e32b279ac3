"""Ranges of days for a warehouse's statement, so that it skips the partitions of all other days."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple

# planning a statement with more conditions costs more than the partitions that it skips
MAX_RANGES = 50
EARLIEST, LATEST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)


class Range(NamedTuple):
    """From one moment to another, both included (UTC, without a zone)."""

    first: datetime
    last: datetime

    def widened(self, by: timedelta) -> "Range":
        """Return a range that begins earlier and ends later."""
        first = self.first - by if self.first - EARLIEST > by else EARLIEST
        last = self.last + by if LATEST - self.last > by else LATEST
        return Range(first, last)


ALL = (Range(EARLIEST, LATEST),)


def cover_days(days: Iterable[date]) -> tuple[Range, ...]:
    """Return at most MAX_RANGES ranges that cover days; the smallest gaps between them are filled.

    A few old days among new ones do not add the days in between. Without days, return ALL.
    """
    ordered = sorted(set(days))
    if not ordered:
        return ALL
    gaps = [(b - a, a, b) for a, b in pairwise(ordered) if b - a > timedelta(days=1)]
    kept = sorted((a, b) for _, a, b in sorted(gaps, reverse=True)[: MAX_RANGES - 1])
    firsts = [ordered[0], *(b for _, b in kept)]
    lasts = [*(a for a, _ in kept), ordered[-1]]
    return tuple(
        Range(datetime.combine(first, time.min), datetime.combine(last, time.max))
        for first, last in zip(firsts, lasts, strict=True)
    )
