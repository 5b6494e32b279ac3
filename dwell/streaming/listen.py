"""`dwell listen`: lands heartbeats, computes their streams, and publishes ended ones, in steps."""

import contextlib
import logging
import time
from datetime import timedelta
from pathlib import Path

from dwell import config
from dwell.config import ROOT
from dwell.dbt import vars as dbt_vars
from dwell.dbt.runner import Dbt
from dwell.exceptions import UsageError
from dwell.kafka.config import client_settings
from dwell.kafka.consumer_pool import ConsumerPool
from dwell.landing import compaction
from dwell.landing.folder import Landing
from dwell.publishing.ledger import Ledger
from dwell.publishing.publisher import open_sink
from dwell.publishing.sinks import Folder, Nowhere, Topic
from dwell.runtime import log, shutdown
from dwell.runtime.database_lock import Waiting, retry_while_locked
from dwell.runtime.shutdown import ShutdownRequested
from dwell.streaming.circuit_breaker import CircuitBreaker
from dwell.streaming.listener import Listener
from dwell.streaming.read_copy import ReadCopy


def listen(
    *,
    topic: str,
    landing: str,
    consumers: int,
    every: float,
    until_end: bool,
    accept_loss: bool,
    settings: str | None,
    publish_topic: str | None,
    publish_folder: str | None,
    publish_name: str,
    ledger: str | None,
    grace: float,
    max_messages_per_step: int,
    read_copy: str | None,
    read_copy_every: float,
    max_invalid_ratio: float,
    min_invalid_count: int,
    accept_invalid: bool,
    keep_days: float,
    bootstrap_servers: str | None,
    kafka_config: str | None,
) -> int:
    """Listen until the process is asked to end, or up to the end of the topic.

    Return 1 if publishing is suspended at the end of the topic: not everything is published then.
    """
    shutdown.handle_signals()
    client = client_settings(bootstrap_servers, kafka_config)
    folder = Landing(Path(landing).resolve())
    with contextlib.ExitStack() as resources:
        resources.enter_context(folder.lock_listener(topic))
        if publish_topic == topic:
            raise UsageError("--publish-topic must not be the topic of the heartbeats")
        if others := folder.list_other_files(topic):
            raise UsageError(
                f"{folder.folder} has files that are not of {topic}, such as {others[0]}: "
                "use another --landing"
            )
        database = Path(config.database()).resolve()
        dbt = create_dbt(database, folder, settings, max_messages_per_step)
        sink = create_sink(client, publish_topic, publish_folder, publish_name)
        ledger_path = Path(ledger or database.with_name(f"{database.stem}-published.duckdb"))
        try:
            # opens the ledger, and waits while another process has it
            listener = Listener(
                dbt,
                folder,
                Ledger(ledger_path, sink.name),
                sink,
                timedelta(seconds=grace),
                CircuitBreaker(max_invalid_ratio, min_invalid_count),
                accept_invalid,
            )
            open_sink(listener.ledger, sink)
            dbt.manifest()
        except ShutdownRequested:
            return 0
        if accept_invalid:
            log.warning(
                "--accept-invalid: streams are published although messages are invalid. Start "
                "without this option once they are published"
            )
        copy = None
        if read_copy is not None:
            copy = ReadCopy(Path(read_copy), read_copy_every, [database, ledger_path])
        pool = ConsumerPool(
            consumers,
            client,
            topic,
            Path(landing),
            every=every,
            until_end=until_end,
            accept_loss=accept_loss,
        )
        resources.callback(pool.close)
        # consumers block once their reports fill the pipes, so receive them during a wait, too
        Waiting.meanwhile = lambda: pool.receive(timeout=0)  # type: ignore[method-assign]
        try:
            run_steps(listener, pool, every, keep_days, copy)
        except ShutdownRequested:
            log.info("ended while it waited; the next start publishes what is pending")
            return 0
    log_end(listener, pool)
    return 1 if listener.is_suspended and until_end else 0


def create_sink(
    client: dict[str, str],
    publish_topic: str | None,
    publish_folder: str | None,
    publish_name: str,
) -> Topic | Folder | Nowhere:
    """Return the sink of the options."""
    if publish_topic and publish_folder:
        raise UsageError("--publish-topic and --publish-folder: give one of them")
    if publish_topic:
        return Topic(client, publish_topic, publish_name)
    return Folder(Path(publish_folder)) if publish_folder else Nowhere()


def create_dbt(
    database: Path, landing: Landing, settings: str | None, max_messages_per_step: int
) -> Dbt:
    """Return the dbt project with the settings of the options."""
    values = dbt_vars.read(settings)
    if "heartbeats_path" in values:
        raise UsageError("heartbeats_path is set by --landing: remove it from --vars or VARS")
    if "heartbeats_max_messages_per_run" in values:
        raise UsageError(
            "heartbeats_max_messages_per_run is set by --max-messages-per-step: remove it from "
            "--vars or VARS"
        )
    values |= {
        "heartbeats_path": landing.pattern,
        "heartbeats_max_messages_per_run": max_messages_per_step,
        # --max-invalid-ratio decides what is published while messages are rejected
        "max_rejected_ratio": 1,
    }
    return Dbt(database, ROOT / "target" / "watch", values)


def run_steps(
    listener: Listener,
    pool: ConsumerPool,
    every: float,
    keep_days: float,
    copy: ReadCopy | None,
) -> None:
    """Step whenever something has landed, until asked to end or until all consumers have ended."""
    status, rate = log.Status(), log.Rate()
    stepped_at = compacted_at = time.monotonic()
    try:
        while True:
            if shutdown.is_requested():
                pool.stop()
            has_backlog = bool(listener.backlog.message_count)
            pool.receive(timeout=0 if has_backlog else 0.2)
            now = time.monotonic()
            if has_backlog or pool.has_all_reports or now - stepped_at >= every:
                stepped_at = now
                is_last = not pool.is_consuming
                listener.step(pool.message_count, pool.compute_watermark())
                pool.clear_reports()
                report_status(status, rate, listener, pool, time.monotonic() - stepped_at)
                # if asked to end, leave the backlog to the next start
                has_backlog = bool(listener.backlog.message_count)
                is_done = is_last and (shutdown.is_requested() or not has_backlog)
                if copy and is_done:
                    copy.make()
                elif copy:
                    copy.make_if_due()
                if is_done:
                    return
            # before the first run, there is no database that knows which files are loaded
            if listener.has_run and now - compacted_at >= compaction.INTERVAL_SECONDS:
                retry_while_locked(
                    lambda: compaction.compact_folder(
                        listener.landing.folder, listener.dbt.database, keep_days
                    )
                )
                compacted_at = now
    finally:
        status.end()


def report_status(
    status: log.Status, rate: log.Rate, listener: Listener, pool: ConsumerPool, step_seconds: float
) -> None:
    """Print or log the current status."""
    now = time.monotonic()
    per_second = rate.per_second(now, pool.message_count)
    breaker, waiting = listener.breaker, listener.backlog.message_count
    invalid_ratio = breaker.newest.ratio if breaker.newest else 0.0
    suspended = ""
    if listener.is_suspended:
        suspended = f"PUBLISHING IS SUSPENDED: {breaker.describe()}; "
    withheld = f", {listener.withheld_count:,} withheld" if listener.withheld_count else ""
    status.update(
        now,
        f"{suspended}{listener.ongoing_count:,} streams ongoing, "
        f"{listener.published_count:,} records published{withheld}; "
        f"{per_second:,.0f} heartbeats/s, {invalid_ratio:.1%} of the last minute's rejected "
        f"({breaker.rejected_count:,} in all), {pool.lag:,} behind, "
        f"{waiting:,} waiting to load, {step_seconds:.1f} s per step",
        ongoing=listener.ongoing_count,
        published=listener.published_count,
        withheld=listener.withheld_count,
        is_suspended=listener.is_suspended,
        per_second=round(per_second),
        rejected=breaker.rejected_count,
        invalid_ratio=round(invalid_ratio, 4),
        lag=pool.lag,
        waiting=waiting,
        step_seconds=round(step_seconds, 1),
    )


def log_end(listener: Listener, pool: ConsumerPool) -> None:
    """Log the totals of this process."""
    landed, rejected = pool.message_count, listener.breaker.rejected_count
    published, withheld = listener.published_count, listener.withheld_count
    log.record(
        logging.ERROR if listener.is_suspended else logging.INFO,
        f"ended; {landed:,} messages landed, {rejected:,} rejected in all, "
        f"{published:,} records published"
        + (f", {withheld:,} streams withheld" if withheld else "")
        + ("; publishing is suspended" if listener.is_suspended else ""),
        landed=landed,
        rejected=rejected,
        published=published,
        withheld=withheld,
        is_suspended=listener.is_suspended,
    )
