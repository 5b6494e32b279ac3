"""Consumers in processes of their own, while this process does something else."""

import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from pathlib import Path

import duckdb

from dwell.exceptions import KafkaClientError, LandingInUseError
from dwell.kafka.consumer import PartitionConsumer, consume
from dwell.kafka.progress import ConsumerProgress
from dwell.kafka.watermark import compute_watermark
from dwell.landing.folder import Landing, Share
from dwell.runtime import log

# consumers of a listener that was killed notice it within a second
WAIT_FOR_LOCK_SECONDS = 15

# what a consumer sends: how far it has landed, or why it cannot continue
Report = ConsumerProgress | str


class ConsumerPool:
    """Several consumers that share a topic's partitions."""

    def __init__(
        self,
        count: int,
        settings: dict[str, str],
        topic: str,
        folder: Path,
        *,
        every: float,
        until_end: bool,
        accept_loss: bool,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self.progress: list[ConsumerProgress | None] = [None] * count
        # consumers that have reported since the reports were cleared
        self.reported: set[int] = set()
        self.processes = []
        # None: the consumer has ended
        self.connections: list[Connection | None] = []
        for index in range(count):
            ours, theirs = context.Pipe()
            share = (index, count)
            process = context.Process(
                target=run_consumer,
                args=(theirs, settings, topic, folder, share, every, until_end, accept_loss),
            )
            process.start()
            # so that each side notices when the other is gone
            theirs.close()
            self.processes.append(process)
            self.connections.append(ours)

    @property
    def is_consuming(self) -> bool:
        """Whether any consumer has not ended."""
        return any(self.connections)

    @property
    def has_all_reports(self) -> bool:
        """Whether each consumer that has not ended has reported."""
        consuming = {i for i, connection in enumerate(self.connections) if connection}
        return consuming <= self.reported

    def clear_reports(self) -> None:
        """Wait for a new report of each consumer."""
        self.reported.clear()

    def receive(self, timeout: float) -> None:
        """Wait until a consumer has landed something, or has ended, and receive all reports."""
        ready = wait([connection for connection in self.connections if connection], timeout)
        for index, connection in enumerate(self.connections):
            if connection is None or connection not in ready:
                continue
            try:
                while connection.poll():
                    report: Report = connection.recv()
                    if isinstance(report, str):
                        raise KafkaClientError(report)
                    self.progress[index] = report
                    self.reported.add(index)
            except (EOFError, ConnectionResetError):
                connection.close()
                self.connections[index] = None
                process = self.processes[index]
                process.join()
                if process.exitcode:
                    raise KafkaClientError(
                        f"consumer {index + 1} of {len(self.processes)} ended with exit code "
                        f"{process.exitcode}: start again. Nothing is lost"
                    ) from None

    def stop(self) -> None:
        """Ask the consumers to land what they have read, and to end."""
        for connection in self.connections:
            if connection:
                try:
                    connection.send("stop")
                except OSError:
                    continue

    def close(self) -> None:
        """End all consumers, after five seconds by force."""
        self.stop()
        for process in self.processes:
            process.join(5)
            process.kill()

    @property
    def message_count(self) -> int:
        """How many messages have landed."""
        return sum(progress.message_count for progress in self.progress if progress)

    @property
    def lag(self) -> int:
        """How many messages the broker has that have not landed, as far as is known."""
        return sum(progress.lag for progress in self.progress if progress)

    def compute_watermark(self) -> int | None:
        """Return the broker's time (ms) before which everything has landed; None if unknown."""
        return compute_watermark(self.progress)


def run_consumer(
    connection: Connection,
    settings: dict[str, str],
    topic: str,
    folder: Path,
    share: Share,
    every: float,
    until_end: bool,
    accept_loss: bool,
) -> None:
    """Consume in this process, and report; end when the other side asks for it or is gone."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # the parent process receives these, too, and sends "stop"
        signal.signal(number, signal.SIG_IGN)
    log.set_up()
    report = report_to(connection)
    deadline = time.monotonic() + WAIT_FOR_LOCK_SECONDS
    try:
        while True:
            try:
                consumer = PartitionConsumer(settings, topic, Landing(folder), share, accept_loss)
                break
            except LandingInUseError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
        consume(consumer, every, until_end, lambda: not connection.poll(), report)
    except (KafkaClientError, LandingInUseError, OSError, duckdb.Error) as error:
        report(str(error))


def report_to(connection: Connection) -> Callable[[Report], None]:
    """Return a function that sends reports, whether or not the other side is still there."""

    def report(what: Report) -> None:
        try:
            connection.send(what)
        except OSError:
            return

    return report
