"""`dwell watch`: again and again land heartbeats, make streams of them, publish those that ended.

It can be killed at any moment. What landed stays landed, dbt's run is a transaction, and what was
decided to be told is written down before it is told; the next start goes on from there.
"""

import argparse
import logging
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb

from dwell import config
from dwell.config import ROOT
from dwell.dbt import vars as dbt_vars
from dwell.dbt.runner import Dbt, format_errors
from dwell.exceptions import (
    DbtError,
    KafkaClientError,
    KafkaConfigError,
    LandingInUseError,
    LedgerError,
)
from dwell.kafka import config as kafka_config
from dwell.kafka.consumer_pool import Readers
from dwell.landing import compaction
from dwell.landing.folder import Landing
from dwell.publishing.ledger import Ledger
from dwell.publishing.publisher import open_sink, publish
from dwell.publishing.sinks import Folder, Nowhere, Topic
from dwell.runtime import log, shutdown
from dwell.runtime.database_lock import LOCKED, Wait, Waiting, retry_while_locked
from dwell.runtime.shutdown import ShutdownRequested
from dwell.streaming.circuit_breaker import CircuitBreaker
from dwell.streaming.read_copy import ReadCopy

MODELS = ("stg_watch__heartbeats", "int_watch__streams")
# the first time, with the views on them, whose definitions may have changed since the last start
MODELS_AND_MARTS = ("stg_watch__heartbeat_rows+",)
EPOCH = datetime(1970, 1, 1)
LOG_AGAIN_SECONDS = 60


class Backlog(NamedTuple):
    """What has landed and waits for the next run of dbt."""

    messages: int = 0
    # all that was received before this moment, and has landed, is loaded; None: all that has landed
    complete_to: datetime | None = None
    # whether streams that were stored before may still be missing
    is_rebuilding: bool = False


class Watch:
    """The streams of a landing folder, in a database, told to a sink."""

    def __init__(
        self,
        dbt: Dbt,
        landing: Landing,
        ledger: Ledger,
        sink,
        grace: timedelta,
        breaker: CircuitBreaker,
        accepts_invalid: bool = False,
    ):
        self.dbt, self.landing, self.ledger, self.sink = dbt, landing, ledger, sink
        self.grace, self.breaker, self.accepts_invalid = grace, breaker, accepts_invalid
        try:
            self.timeout = timedelta(seconds=float(dbt.setting("watch_timeout_seconds")))
        except (TypeError, ValueError):
            raise ValueError("watch_timeout_seconds must be a number of seconds") from None
        self.has_run = False
        self.loaded = self.told = 0
        self.going_on = self.withheld = 0
        self.next_end: datetime | None = None
        self.backlog = Backlog()
        # whether publishing is suspended, and when that was last logged
        self.is_suspended = False
        self.logged_at = 0.0

    def step(self, messages: int, complete_to: int | None) -> None:
        """Make streams of what has landed; tell what ended by a moment of the broker (ms)."""
        if not self.has_run and not self.landing.has_files():
            return
        now = None if complete_to is None else EPOCH + timedelta(milliseconds=complete_to)
        if not self.has_run or messages > self.loaded or self.backlog.messages:
            self.run_dbt()
            self.loaded = messages
            self.look()
        if now is not None and self.backlog.complete_to is not None:
            now = min(now, self.backlog.complete_to)
        self.is_suspended = self.suspends(now)
        # silence proves nothing while messages cannot be read, so time does not advance by it
        if now is not None and not self.is_suspended and self.some_have_ended(now):
            self.advance_watermark(now)
        if self.is_suspended:
            return
        if now is not None:
            ripe = now - self.timeout - self.grace
            self.ledger.write_down(
                self.dbt.database,
                self.timeout.total_seconds(),
                ripe,
                self.breaker.withheld(self.timeout + self.grace),
            )
        self.told += publish(self.ledger, self.sink)

    def some_have_ended(self, now: datetime) -> bool:
        """Whether a stream that goes on has been silent for long enough by a moment."""
        return self.next_end is not None and self.next_end < now

    def run_dbt(self) -> None:
        """Run the models of streams."""
        models = MODELS if self.has_run else MODELS_AND_MARTS
        wait = Wait()
        while True:
            result = self.dbt.run("run", "--select", *models)
            if result.success:
                break
            said = format_errors(result)
            if LOCKED not in said:
                raise DbtError(said)
            wait.go_on(said)
        self.has_run = True

    def look(self) -> None:
        """Judge what is loaded, and count what goes on."""
        with retry_while_locked(
            lambda: duckdb.connect(str(self.dbt.database), read_only=True)
        ) as found:
            self.breaker.look(found, self.ledger.accept_minutes, self.accepts_invalid)
            waiting = found.execute(
                "select messages, complete_to, is_rebuilding from dwell_heartbeats_waiting"
            ).fetchone()
            self.backlog = Backlog(*waiting) if waiting else Backlog()
            self.count_streams(found)

    def advance_watermark(self, now: datetime) -> None:
        """Let streams end that have been silent by a moment: the watermark never goes back.

        It is what `watch_as_of` hands to dbt, without a run of dbt.
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
        """Note how many streams go on, when the first of them would end, and those withheld."""
        (watermark_at,) = connection.execute(
            "select watermark_at from int_watch__watermark"
        ).fetchone()
        # the bound is what ongoing means, said so that months of ended streams are not read
        self.going_on, self.next_end = connection.execute(
            """
            select count(*), min(would_end_at) from ongoing_watch_streams
            where last_heartbeat_at >= $1
            """,
            [(watermark_at or EPOCH) - self.timeout],
        ).fetchone()
        self.withheld = sum(
            connection.execute(
                """
                select count(*) from fct_watch_streams
                where last_heartbeat_at >= $1 and last_heartbeat_at < $2
                """,
                interval,
            ).fetchone()[0]
            for interval in self.breaker.withheld(self.timeout + self.grace)
        )

    def suspends(self, now: datetime | None) -> bool:
        """Whether publishing is suspended at a moment; log it when it begins, goes on and ends."""
        is_open = self.breaker.is_open(now)
        if is_open and (
            not self.is_suspended or time.monotonic() - self.logged_at >= LOG_AGAIN_SECONDS
        ):
            self.logged_at = time.monotonic()
            log.error(
                f"publishing is suspended: {self.breaker.describe()}. Messages still land. "
                "Publishing resumes after a minute of valid heartbeats; docs/how-to/listen.md says "
                "how to repair the invalid ones",
                **self.breaker.fields(),
            )
        elif self.is_suspended and not is_open:
            log.warning(
                f"publishing resumes. Streams whose silence began while {self.breaker.describe()}, "
                "or in timeout and grace before it, are withheld: no one knows whether they ended. "
                "Repair and reload the invalid messages, or publish with --accept-invalid"
                if self.breaker.invalid_minutes
                else "publishing resumes: the invalid messages are repaired, or outnumbered",
                withheld=self.withheld,
            )
        return is_open


# -- The command -----------------------------------------------------------------------------


def main(arguments: argparse.Namespace) -> int:
    """Watch until told to end. 0: ended as asked; 1: could not go on; 2: wrong usage."""
    log.set_up()
    shutdown.handle_signals()
    try:
        client = kafka_config.settings_of(arguments)
        landing = Landing(Path(arguments.landing).resolve())
        # held until this process ends
        lock = landing.lock_watch(arguments.topic)
        watch = make_watch(arguments, client, landing)
        copy = make_read_copy(arguments, watch)
        open_sink(watch.ledger, watch.sink)
        watch.dbt.manifest()
    except ShutdownRequested:
        return 0
    except (
        KafkaClientError,
        LandingInUseError,
        LedgerError,
        ValueError,
        OSError,
        duckdb.Error,
    ) as error:
        log.error(str(error))
        return 2 if isinstance(error, KafkaConfigError | LedgerError | ValueError) else 1
    readers = Readers(
        arguments.readers,
        client,
        arguments.topic,
        Path(arguments.landing),
        every=arguments.every,
        until_end=arguments.until_end,
        accept_loss=arguments.accept_loss,
    )
    # readers that nobody listens to would stop reading once what they have to say fills their pipes
    Waiting.meanwhile = lambda: readers.hear(timeout=0)
    try:
        go_on(watch, readers, arguments, copy)
    except ShutdownRequested:
        log.info("ended while it waited; what is pending is told at the next start")
        return 0
    except (KafkaClientError, LedgerError, DbtError, OSError, duckdb.Error) as error:
        log.error(str(error))
        return 1
    finally:
        readers.leave()
        lock.close()
    log.record(
        logging.ERROR if watch.is_suspended else logging.INFO,
        f"ended; {readers.messages:,} messages landed, {watch.breaker.rejected:,} rejected in all, "
        f"{watch.told:,} records told"
        + (f", {watch.withheld:,} streams withheld" if watch.withheld else "")
        + ("; publishing is suspended" if watch.is_suspended else ""),
        landed=readers.messages,
        rejected=watch.breaker.rejected,
        told=watch.told,
        withheld=watch.withheld,
        is_suspended=watch.is_suspended,
    )
    # whoever runs it to the end of a topic must learn that not all is published
    return 1 if watch.is_suspended and arguments.until_end else 0


def make_watch(arguments: argparse.Namespace, client: dict, landing: Landing) -> Watch:
    """Return the watch that the options describe."""
    if arguments.publish_topic and arguments.publish_folder:
        raise ValueError("--publish-topic and --publish-folder: give one of them")
    if arguments.publish_topic == arguments.topic:
        raise ValueError("--publish-topic must not be the topic of the heartbeats")
    database = Path(config.database()).resolve()
    if others := landing.others(arguments.topic):
        raise ValueError(
            f"{landing.folder} has files that are not of {arguments.topic}, such as {others[0]}: "
            "give another --landing"
        )
    named = dbt_vars.read(arguments.vars)
    if "heartbeats_path" in named:
        raise ValueError("heartbeats_path is set by --landing")
    if "heartbeats_max_messages_per_run" in named:
        raise ValueError("heartbeats_max_messages_per_run is set by --max-messages-per-step")
    named |= {
        "heartbeats_path": landing.pattern,
        "heartbeats_max_messages_per_run": arguments.max_messages_per_step,
        # what is told while most is rejected, --max-invalid-ratio decides
        "max_rejected_ratio": 1,
    }
    dbt = Dbt(database, ROOT / "target" / "watch", named)
    if arguments.publish_topic:
        sink = Topic(client, arguments.publish_topic, arguments.publish_name)
    elif arguments.publish_folder:
        sink = Folder(Path(arguments.publish_folder))
    else:
        sink = Nowhere()
    path = Path(arguments.ledger or database.with_name(f"{database.stem}-published.duckdb"))
    ledger = Ledger(path, sink.name)
    breaker = CircuitBreaker(arguments.max_invalid_ratio, arguments.min_invalid_count)
    grace = timedelta(seconds=arguments.grace)
    if arguments.accept_invalid:
        log.warning(
            "--accept-invalid: streams are published although messages are invalid. Start it "
            "without this option once they are published"
        )
    return Watch(dbt, landing, ledger, sink, grace, breaker, arguments.accept_invalid)


def make_read_copy(arguments: argparse.Namespace, watch: Watch) -> ReadCopy | None:
    """Return the copy of database and ledger that the options describe, if they do."""
    if arguments.read_copy is None:
        return None
    files = [watch.dbt.database, watch.ledger.path]
    return ReadCopy(Path(arguments.read_copy), arguments.read_copy_every, files)


def go_on(
    watch: Watch, readers: Readers, arguments: argparse.Namespace, copy: ReadCopy | None
) -> None:
    """Step each time something has landed, until asked to end or until the readers have."""
    status, rate = log.Status(), log.Rate()
    stepped_at = tidied_at = time.monotonic()
    while True:
        if shutdown.is_requested():
            readers.stop()
        readers.hear(timeout=0 if watch.backlog.messages else 0.2)
        now = time.monotonic()
        if watch.backlog.messages or readers.have_all_told or now - stepped_at >= arguments.every:
            stepped_at = now
            is_last = not readers.are_reading
            watch.step(readers.messages, readers.complete_to())
            readers.forget_told()
            tell_status(status, rate, watch, readers, time.monotonic() - stepped_at)
            # asked to end, it leaves the backlog to the next start
            is_done = is_last and (shutdown.is_requested() or not watch.backlog.messages)
            if copy and is_done:
                copy.make()
            elif copy:
                copy.make_if_due()
            if is_done:
                status.end()
                return
        if now - tidied_at >= compaction.EVERY_SECONDS:
            retry_while_locked(
                lambda: compaction.tidy(
                    Path(arguments.landing), watch.dbt.database, arguments.keep_days
                )
            )
            tidied_at = now


def tell_status(status, rate, watch: Watch, readers: Readers, step_seconds: float) -> None:
    """Say how things stand."""
    now = time.monotonic()
    per_second = rate.per_second(now, readers.messages)
    newest = watch.breaker.newest
    invalid_ratio = newest.ratio if newest else 0.0
    suspended = ""
    if watch.is_suspended:
        suspended = f"PUBLISHING IS SUSPENDED: {watch.breaker.describe()}; "
    withheld = f", {watch.withheld:,} withheld" * bool(watch.withheld)
    status.update(
        now,
        f"{suspended}{watch.going_on:,} streams go on, {watch.told:,} records told{withheld}; "
        f"{per_second:,.0f} heartbeats/s, {invalid_ratio:.1%} of the last minute's rejected "
        f"({watch.breaker.rejected:,} in all), {readers.lag:,} behind, "
        f"{watch.backlog.messages:,} waiting to load, {step_seconds:.1f} s a step",
        going_on=watch.going_on,
        told=watch.told,
        withheld=watch.withheld,
        is_suspended=watch.is_suspended,
        per_second=round(per_second),
        rejected=watch.breaker.rejected,
        invalid_ratio=round(invalid_ratio, 4),
        lag=readers.lag,
        waiting=watch.backlog.messages,
        step_seconds=round(step_seconds, 1),
    )
