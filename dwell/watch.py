"""`dwell watch`: again and again land heartbeats, make streams of them, publish those that ended.

It can be killed at any moment. What landed stays landed, dbt's run is a transaction, and what was
decided to be told is written down before it is told; the next start goes on from there.
"""

import argparse
import logging
import time
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from dwell import answers, kafka, log, settings, stop, tidy
from dwell.dbt import ROOT, Dbt, what_it_said
from dwell.kafka import KafkaTrouble, WrongUsage
from dwell.landing import Landing, LandingInUse
from dwell.ledger import Ledger, LedgerTrouble
from dwell.patience import LOCKED, patiently, wait_for_lock
from dwell.publish import open_sink, publish
from dwell.readers import Readers
from dwell.sinks import Folder, Nowhere, Topic
from dwell.stop import Stopped

MODELS = ("stg_watch__heartbeats", "int_watch__streams")
# the first time, with the views on them, whose definitions may have changed since the last start
MODELS_AND_MARTS = ("stg_watch__heartbeat_rows+",)
EPOCH = datetime(1970, 1, 1)


class DbtTrouble(Exception):
    """What dbt said."""


class Watch:
    """The streams of a landing folder, in a database, told to a sink."""

    def __init__(self, dbt: Dbt, landing: Landing, ledger: Ledger, sink, grace: timedelta):
        self.dbt, self.landing, self.ledger, self.sink = dbt, landing, ledger, sink
        self.grace = grace
        try:
            self.timeout = timedelta(seconds=float(dbt.setting("watch_timeout_seconds")))
        except (TypeError, ValueError):
            raise ValueError("watch_timeout_seconds must be a number of seconds") from None
        self.has_run = False
        self.loaded = self.told = 0
        self.going_on = 0
        self.next_end: datetime | None = None

    def step(self, messages: int, complete_to: int | None) -> None:
        """Make streams of what has landed; tell what ended by a moment of the broker (ms)."""
        if not self.has_run and not self.landing.has_files():
            return
        now = None if complete_to is None else EPOCH + timedelta(milliseconds=complete_to)
        if not self.has_run or messages > self.loaded or self.some_have_ended(now):
            self.run_dbt(now)
            self.loaded = messages
        if now is not None:
            ripe = now - self.timeout - self.grace
            self.ledger.write_down(self.dbt.database, self.timeout.total_seconds(), ripe)
        self.told += publish(self.ledger, self.sink)

    def some_have_ended(self, now: datetime | None) -> bool:
        """Whether a stream that went on has been silent for long enough, if nothing new came."""
        return now is not None and self.next_end is not None and self.next_end < now

    def run_dbt(self, now: datetime | None) -> None:
        """Run the models of streams."""
        models = MODELS if self.has_run else MODELS_AND_MARTS
        handed_in = {} if now is None else {"watch_as_of": f"{now.isoformat()}Z"}
        while True:
            result = self.dbt.run("run", "--select", *models, **handed_in)
            if result.success:
                break
            said = what_it_said(result)
            if LOCKED not in said:
                raise DbtTrouble(said)
            wait_for_lock(said)
        self.has_run = True
        self.count_going_on()

    def count_going_on(self) -> None:
        """Note how many streams go on, and when the first of them would end."""
        with patiently(lambda: duckdb.connect(str(self.dbt.database), read_only=True)) as found:
            (reached_at,) = found.execute("select reached_at from int_watch__clock").fetchone()
            # the bound is what ongoing means, said so that months of ended streams are not read
            self.going_on, self.next_end = found.execute(
                """
                select count(*), min(would_end_at) from ongoing_watch_streams
                where last_heartbeat_at >= $1
                """,
                [(reached_at or EPOCH) - self.timeout],
            ).fetchone()


# -- The command -----------------------------------------------------------------------------


def main(arguments: argparse.Namespace) -> int:
    """Watch until told to end. 0: ended as asked; 1: could not go on; 2: wrong usage."""
    log.set_up()
    stop.listen()
    try:
        client = kafka.settings_of(arguments)
        landing = Landing(Path(arguments.landing).resolve())
        # held until this process ends
        lock = landing.lock_watch(arguments.topic)
        watch = make_watch(arguments, client, landing)
        open_sink(watch.ledger, watch.sink)
        watch.dbt.manifest()
    except Stopped:
        return 0
    except (KafkaTrouble, LandingInUse, LedgerTrouble, ValueError, OSError, duckdb.Error) as error:
        log.say(str(error), logging.ERROR)
        return 2 if isinstance(error, WrongUsage | LedgerTrouble | ValueError) else 1
    readers = Readers(
        arguments.readers,
        client,
        arguments.topic,
        Path(arguments.landing),
        every=arguments.every,
        until_end=arguments.until_end,
        accept_loss=arguments.accept_loss,
    )
    try:
        go_on(watch, readers, arguments)
    except Stopped:
        log.say("ended while it waited; what is pending is told at the next start")
        return 0
    except (KafkaTrouble, LedgerTrouble, DbtTrouble, OSError, duckdb.Error) as error:
        log.say(str(error), logging.ERROR)
        return 1
    finally:
        readers.leave()
        lock.close()
    log.say(
        f"ended; {readers.messages:,} messages landed, {watch.told:,} records told",
        landed=readers.messages,
        told=watch.told,
    )
    return 0


def make_watch(arguments: argparse.Namespace, client: dict, landing: Landing) -> Watch:
    """Return the watch that the options describe."""
    if arguments.publish_topic and arguments.publish_folder:
        raise ValueError("--publish-topic and --publish-folder: give one of them")
    if arguments.publish_topic == arguments.topic:
        raise ValueError("--publish-topic must not be the topic of the heartbeats")
    database = Path(answers.database()).resolve()
    if others := landing.others(arguments.topic):
        raise ValueError(
            f"{landing.folder} has files that are not of {arguments.topic}, such as {others[0]}: "
            "give another --landing"
        )
    named = settings.read(arguments.vars)
    if "heartbeats_path" in named:
        raise ValueError("heartbeats_path is set by --landing")
    dbt = Dbt(database, ROOT / "target" / "watch", named | {"heartbeats_path": landing.pattern})
    if arguments.publish_topic:
        sink = Topic(client, arguments.publish_topic, arguments.publish_name)
    elif arguments.publish_folder:
        sink = Folder(Path(arguments.publish_folder))
    else:
        sink = Nowhere()
    path = Path(arguments.ledger or database.with_name(f"{database.stem}-published.duckdb"))
    ledger = Ledger(path, sink.name)
    return Watch(dbt, landing, ledger, sink, timedelta(seconds=arguments.grace))


def go_on(watch: Watch, readers: Readers, arguments: argparse.Namespace) -> None:
    """Step each time something has landed, until asked to end or until the readers have."""
    status, rate = log.Status(), log.Rate()
    stepped_at = tidied_at = time.monotonic()
    while True:
        if stop.is_asked():
            readers.stop()
        readers.hear(timeout=0.2)
        now = time.monotonic()
        if readers.have_all_told or now - stepped_at >= arguments.every:
            stepped_at = now
            is_last = not readers.are_reading
            watch.step(readers.messages, readers.complete_to())
            readers.forget_told()
            tell_status(status, rate, watch, readers, time.monotonic() - stepped_at)
            if is_last:
                status.end()
                return
        if now - tidied_at >= tidy.EVERY_SECONDS:
            patiently(
                lambda: tidy.tidy(Path(arguments.landing), watch.dbt.database, arguments.keep_days)
            )
            tidied_at = now


def tell_status(status, rate, watch: Watch, readers: Readers, step_seconds: float) -> None:
    """Say how things stand."""
    now = time.monotonic()
    per_second = rate.per_second(now, readers.messages)
    status.tell(
        now,
        f"{watch.going_on:,} streams go on, {watch.told:,} records told; "
        f"{per_second:,.0f} heartbeats/s, {readers.lag:,} behind, {step_seconds:.1f} s a step",
        going_on=watch.going_on,
        told=watch.told,
        per_second=round(per_second),
        lag=readers.lag,
        step_seconds=round(step_seconds, 1),
    )
