"""Readers in processes of their own, beside one that does something else."""

import multiprocessing
import signal
import time
from multiprocessing.connection import wait
from pathlib import Path

from dwell.exceptions import KafkaClientError, LandingInUseError
from dwell.kafka.consumer import Progress, Reader, read_on
from dwell.landing.folder import Landing
from dwell.runtime import log

# A watch that was killed leaves readers that notice it within a second.
WAIT_FOR_LOCK_SECONDS = 15


class Readers:
    """Several readers that share a topic's partitions."""

    def __init__(self, count: int, settings: dict, topic: str, folder: Path, **how):
        context = multiprocessing.get_context("spawn")
        self.progress: list[Progress | None] = [None] * count
        # who has said something since it was last heeded
        self.told: set[int] = set()
        self.processes, self.connections = [], []
        for index in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=run, args=(theirs, settings, topic, folder, (index, count)), kwargs=how
            )
            process.start()
            # so that each side notices when the other is gone
            theirs.close()
            self.processes.append(process)
            self.connections.append(ours)

    @property
    def are_reading(self) -> bool:
        """Whether any still reads."""
        return any(self.connections)

    @property
    def have_all_told(self) -> bool:
        """Whether each that still reads has said something, or none reads any more."""
        reading = {i for i, connection in enumerate(self.connections) if connection}
        return reading <= self.told

    def forget_told(self) -> None:
        """Wait for each to say something again."""
        self.told.clear()

    def hear(self, timeout: float) -> None:
        """Wait until one of them has landed something, or ended, and take note of what all say."""
        heard = [connection for connection in self.connections if connection]
        for connection in wait(heard, timeout):
            index = self.connections.index(connection)
            try:
                while connection.poll():
                    said = connection.recv()
                    if isinstance(said, str):
                        raise KafkaClientError(said)
                    self.progress[index] = said
                    self.told.add(index)
            except (EOFError, ConnectionResetError):
                connection.close()
                self.connections[index] = None
                self.processes[index].join()
                if self.processes[index].exitcode:
                    raise KafkaClientError(
                        f"a reader ended with code {self.processes[index].exitcode}"
                    ) from None

    def stop(self) -> None:
        """Have them land what they have read, and end."""
        for connection in self.connections:
            if connection:
                try:
                    connection.send("stop")
                except OSError:
                    continue

    def leave(self) -> None:
        """See to it that none is left."""
        self.stop()
        for process in self.processes:
            process.join(5)
            process.kill()

    @property
    def messages(self) -> int:
        """How many messages they have landed."""
        return sum(progress.messages for progress in self.progress if progress)

    @property
    def lag(self) -> int:
        """How many the broker has that have not landed, as far as is known."""
        return sum(progress.lag for progress in self.progress if progress)

    def complete_to(self) -> int | None:
        """Return a moment of the broker's clock (ms), before which all has landed; see below."""
        return complete_to(self.progress)


def complete_to(told: list[Progress | None]) -> int | None:
    """Return a moment of the broker's clock (ms), before which all that it received has landed.

    A partition has landed up to its newest time of receipt; or, if its end was reached, up to when
    the broker was asked for that end. The broker's clock then is not known, but it was past the
    newest time of receipt when that was read, and has gone on since as the monotonic clock has. So
    neither a backlog nor a wrong clock here ends a stream early, and for a silent source time goes
    on. None if it is not known of every partition.
    """
    if any(progress is None for progress in told):
        return None
    ahead = [p.broker_ahead_ms for p in told if p.broker_ahead_ms is not None]
    reached = []
    for place in (place for progress in told for place in progress.places.values()):
        moments = []
        if place.newest_received_at is not None:
            moments.append(place.newest_received_at)
        if place.complete_at is not None and ahead:
            moments.append(int(place.complete_at * 1000 + max(ahead)))
        if not moments:
            return None
        reached.append(max(moments))
    return min(reached, default=None)


def run(connection, settings, topic, folder, share, every, until_end, accept_loss) -> None:
    """Read in this process; tell the connection how far, and end when it says so or is gone."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # whoever started this is asked too, and says when
        signal.signal(number, signal.SIG_IGN)
    log.set_up()
    deadline = time.monotonic() + WAIT_FOR_LOCK_SECONDS
    try:
        while True:
            try:
                reader = Reader(settings, topic, Landing(folder), share, accept_loss)
                break
            except LandingInUseError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
        read_on(reader, every, until_end, lambda: not connection.poll(), tell_to(connection))
    except (KafkaClientError, LandingInUseError, OSError) as error:
        tell_to(connection)(str(error))


def tell_to(connection):
    """Return a way to tell a connection something, whether or not someone is there."""

    def tell(what) -> None:
        try:
            connection.send(what)
        except OSError:
            return

    return tell
