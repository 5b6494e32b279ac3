"""A circuit breaker: `dwell listen` publishes nothing while too many messages are invalid.

A producer that renames a field continues to send, but none of its heartbeats can be read, and every
stream seems to have ended. So silence proves that a stream has ended only where messages could be
read. What counts is the minute in which the broker received them, and not how they were divided
among files and runs: a restart, a backlog, or a full refresh has the same result.

- A minute is invalid if it has `min_count` invalid messages or more, and their share of all its
  messages exceeds `max_ratio`.
- The circuit is open, and nothing is published, from an invalid minute on until a whole minute
  after it has valid heartbeats and is not invalid.
- A stream whose silence began in an invalid minute, or less than the timeout and the grace
  period before one, is withheld: no one knows whether it ended. Once the minute is repaired and
  loaded again, or accepted by a user, it is no longer invalid, and the stream is published.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import duckdb

MINUTE = timedelta(minutes=1)

INVALID_MINUTES = """
select received_minute, rows_accepted, rows_rejected
from dwell_heartbeat_minutes
where rows_rejected >= $min_count and rows_rejected > $max_ratio * (rows_accepted + rows_rejected)
order by received_minute
"""

NEWEST_MINUTE = """
select received_minute, rows_accepted, rows_rejected
from dwell_heartbeat_minutes
order by received_minute desc
limit 1
"""

FIRST_VALID_MINUTE = """
select min(received_minute)
from dwell_heartbeat_minutes
where received_minute > $after and rows_accepted > 0
"""

MOST_FREQUENT_REASON = """
select reject_reason
from dwell_heartbeats_rejected
where received_at >= $minute and received_at < $minute + interval 1 minute
group by reject_reason
order by count(*) desc, reject_reason
limit 1
"""

REJECTED = "select coalesce(sum(rows_rejected), 0)::bigint from dwell_heartbeats_landed"


class Minute(NamedTuple):
    """The messages that were received in a minute."""

    starts_at: datetime
    valid: int
    invalid: int

    @property
    def messages(self) -> int:
        """The number of messages."""
        return self.valid + self.invalid

    @property
    def ratio(self) -> float:
        """The share of invalid ones."""
        return self.invalid / self.messages if self.messages else 0.0


class CircuitBreaker:
    """Validates the minutes that are loaded."""

    def __init__(self, max_ratio: float, min_count: int) -> None:
        self.max_ratio, self.min_count = max_ratio, min_count
        self.invalid_minutes: list[Minute] = []
        # the first minute with valid heartbeats after the last invalid one
        self.valid_minute: datetime | None = None
        self.newest: Minute | None = None
        self.reason: str | None = None
        # of all messages that are loaded
        self.rejected_count = 0

    def update(
        self,
        connection: duckdb.DuckDBPyConnection,
        accept: Callable[[Iterable[datetime]], set[datetime]],
        accepts_all: bool = False,
    ) -> None:
        """Validate the minutes that are loaded.

        `accept` adds to the minutes that are accepted although they are invalid, and returns them.
        """
        thresholds = {"min_count": self.min_count, "max_ratio": self.max_ratio}
        found = [Minute(*row) for row in connection.execute(INVALID_MINUTES, thresholds).fetchall()]
        if found:
            accepted = accept(minute.starts_at for minute in found if accepts_all)
            found = [minute for minute in found if minute.starts_at not in accepted]
        self.invalid_minutes = found
        self.valid_minute = self.reason = None
        if found:
            last = found[-1].starts_at
            ((self.valid_minute,),) = connection.execute(
                FIRST_VALID_MINUTE, {"after": last}
            ).fetchall()
            reason = connection.execute(MOST_FREQUENT_REASON, {"minute": last}).fetchone()
            self.reason = reason[0] if reason else None
        newest = connection.execute(NEWEST_MINUTE).fetchone()
        self.newest = Minute(*newest) if newest else None
        ((self.rejected_count,),) = connection.execute(REJECTED).fetchall()

    def is_open(self, watermark: datetime | None) -> bool:
        """Whether nothing may be published, if all received before the watermark is loaded."""
        if not self.invalid_minutes:
            return False
        if self.valid_minute is None or watermark is None:
            return True
        return watermark < self.valid_minute + MINUTE

    def withheld_intervals(self, silence: timedelta) -> list[tuple[datetime, datetime]]:
        """Return the intervals in which a last heartbeat, and silence after it, prove nothing.

        The silence that proves an end otherwise is the timeout, and the grace after it.
        """
        intervals: list[tuple[datetime, datetime]] = []
        for minute in self.invalid_minutes:
            begins_at, ends_at = minute.starts_at - silence, minute.starts_at + MINUTE
            if intervals and begins_at <= intervals[-1][1]:
                begins_at = intervals.pop()[0]
            intervals.append((begins_at, ends_at))
        return intervals

    def describe(self) -> str:
        """Return the last invalid minute as a sentence."""
        minute = self.invalid_minutes[-1]
        reason = f", most often {self.reason}" if self.reason else ""
        return (
            f"{minute.invalid:,} of the {minute.messages:,} messages received in the minute "
            f"{minute.starts_at:%Y-%m-%d %H:%M} UTC are invalid ({minute.ratio:.1%}{reason})"
        )

    def fields(self) -> dict[str, Any]:
        """Return the last invalid minute as fields of a log record."""
        minute = self.invalid_minutes[-1]
        return {
            "invalid_ratio": round(minute.ratio, 4),
            "invalid_count": minute.invalid,
            "message_count": minute.messages,
            "reject_reason": self.reason,
            "received_minute": f"{minute.starts_at.isoformat()}Z",
        }
