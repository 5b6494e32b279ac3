"""The listener: computes streams of heartbeats that have landed, and publishes ended streams.

It can be killed at any moment. Landing files stay, a run of dbt is a transaction, and the ledger
stores records before they are published; the next start continues from there.
"""

import time
from datetime import datetime, timedelta
from typing import NamedTuple

import duckdb

from dwell.dbt.runner import Dbt, format_errors
from dwell.exceptions import DbtError, UsageError
from dwell.landing.folder import Landing
from dwell.publishing.ledger import Ledger
from dwell.publishing.publisher import Sink, publish
from dwell.publishing.records import Messages
from dwell.runtime import log
from dwell.runtime.database_lock import LOCKED, Wait, retry_while_locked
from dwell.streaming.circuit_breaker import CircuitBreaker

MODELS = ("stg_watch__heartbeats", "int_watch__streams")
# the first time, with their views, whose definitions may have changed since the last start
MODELS_AND_MARTS = ("stg_watch__heartbeat_rows+",)
EPOCH = datetime(1970, 1, 1)
LOG_AGAIN_SECONDS = 60


class Backlog(NamedTuple):
    """What has landed and is not loaded yet."""

    message_count: int = 0
    # all that was received before this moment, and has landed, is loaded; None: all that has landed
    watermark: datetime | None = None
    # whether streams that were stored before may still be missing
    is_rebuilding: bool = False


class Listener:
    """The streams of a landing folder in a database, and the sink that they are published to."""

    def __init__(
        self,
        dbt: Dbt,
        landing: Landing,
        ledger: Ledger,
        sink: Sink[Messages],
        grace: timedelta,
        breaker: CircuitBreaker,
        accepts_invalid: bool = False,
    ) -> None:
        self.dbt, self.landing, self.ledger, self.sink = dbt, landing, ledger, sink
        self.grace, self.breaker, self.accepts_invalid = grace, breaker, accepts_invalid
        timeout = dbt.setting("watch_timeout_seconds")
        try:
            self.timeout = timedelta(seconds=float(timeout))
        except (OverflowError, TypeError, ValueError):
            raise UsageError(
                f"watch_timeout_seconds must be a number of seconds, not {timeout!r}"
            ) from None
        self.has_run = False
        # how many messages had landed at the last run of dbt
        self.loaded_count = 0
        self.published_count = self.ongoing_count = self.withheld_count = 0
        # when the first of the ongoing streams can end
        self.next_end_at: datetime | None = None
        self.backlog = Backlog()
        # whether publishing is suspended, and when that was last logged
        self.is_suspended = False
        self.logged_at = 0.0

    def step(self, landed_count: int, watermark_ms: int | None) -> None:
        """Compute the streams of what has landed; publish those that ended by the watermark."""
        if not self.has_run and not self.landing.has_files():
            return
        now = None if watermark_ms is None else EPOCH + timedelta(milliseconds=watermark_ms)
        if not self.has_run or landed_count > self.loaded_count or self.backlog.message_count:
            self.run_dbt()
            self.loaded_count = landed_count
            self.read_state()
        if now is not None and self.backlog.watermark is not None:
            now = min(now, self.backlog.watermark)
        was_suspended, self.is_suspended = self.is_suspended, self.breaker.is_open(now)
        self.log_suspension(was_suspended)
        if self.is_suspended:
            # silence proves nothing while messages cannot be read: the watermark does not advance
            return
        if now is not None:
            if self.next_end_at is not None and self.next_end_at < now:
                self.advance_watermark(now)
            self.ledger.write_down(
                self.dbt.database,
                self.timeout.total_seconds(),
                now - self.timeout - self.grace,
                self.breaker.withheld_intervals(self.timeout + self.grace),
            )
        self.published_count += publish(self.ledger, self.sink)

    def run_dbt(self) -> None:
        """Run the models of streams."""
        models = MODELS if self.has_run else MODELS_AND_MARTS
        wait = Wait()
        while True:
            result = self.dbt.run("run", "--select", *models)
            if result.success:
                break
            errors = format_errors(result)
            if LOCKED not in errors:
                raise DbtError(errors)
            wait.go_on(errors)
        self.has_run = True

    def read_state(self) -> None:
        """Read the invalid minutes, the backlog, and the number of streams from the database."""
        with retry_while_locked(
            lambda: duckdb.connect(str(self.dbt.database), read_only=True)
        ) as connection:
            self.breaker.update(connection, self.ledger.accept_minutes, self.accepts_invalid)
            backlog = connection.execute(
                "select messages, complete_to, is_rebuilding from dwell_heartbeats_waiting"
            ).fetchone()
            self.backlog = Backlog(*backlog) if backlog else Backlog()
            self.count_streams(connection)

    def advance_watermark(self, now: datetime) -> None:
        """Advance the watermark in the database, so that streams end; it never goes back.

        It is the watermark override that `watch_as_of` passes to dbt, without a run of dbt.
        """
        with retry_while_locked(lambda: duckdb.connect(str(self.dbt.database))) as connection:
            connection.begin()
            connection.execute("delete from dwell_watch_as_of where as_of < $1", [now])
            connection.execute(
                "insert into dwell_watch_as_of select $1 where not exists (from dwell_watch_as_of)",
                [now],
            )
            connection.commit()
            self.count_streams(connection)

    def count_streams(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Count ongoing and withheld streams, and note when the first of the ongoing can end."""
        ((watermark_at,),) = connection.execute(
            "select watermark_at from int_watch__watermark"
        ).fetchall()
        # what ongoing means, written so that DuckDB does not read months of ended streams
        ((self.ongoing_count, self.next_end_at),) = connection.execute(
            """
            select count(*), min(would_end_at) from ongoing_watch_streams
            where last_heartbeat_at >= $1
            """,
            [(watermark_at or EPOCH) - self.timeout],
        ).fetchall()
        self.withheld_count = 0
        for interval in self.breaker.withheld_intervals(self.timeout + self.grace):
            ((count,),) = connection.execute(
                """
                select count(*) from fct_watch_streams
                where last_heartbeat_at >= $1 and last_heartbeat_at < $2
                """,
                interval,
            ).fetchall()
            self.withheld_count += count

    def log_suspension(self, was_suspended: bool) -> None:
        """Log when the suspension of publishing begins and ends, and every minute in between."""
        is_due = not was_suspended or time.monotonic() - self.logged_at >= LOG_AGAIN_SECONDS
        if self.is_suspended and is_due:
            self.logged_at = time.monotonic()
            log.error(
                f"publishing is suspended: {self.breaker.describe()}. Messages still land. "
                "Publishing resumes after a minute of valid heartbeats; docs/how-to/listen.md "
                "describes how to repair the invalid ones",
                **self.breaker.fields(),
            )
        elif was_suspended and not self.is_suspended:
            log.warning(
                f"publishing resumes. Streams whose silence began while {self.breaker.describe()}, "
                "or in timeout and grace before it, are withheld: no one knows whether they ended. "
                "Repair and reload the invalid messages, or publish with --accept-invalid"
                if self.breaker.invalid_minutes
                else "publishing resumes: the invalid messages are repaired, or outnumbered",
                withheld=self.withheld_count,
            )
