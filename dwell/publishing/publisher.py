"""Publishes the pending batches of a ledger to a sink, each exactly once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sized
from typing import Any, Generic, TypeVar, overload

from dwell.exceptions import LedgerError
from dwell.publishing.ledger import Ledger
from dwell.publishing.records import Messages

Batch = TypeVar("Batch", bound=Sized)


class Sink(ABC, Generic[Batch]):
    """Where records are published.

    A sink takes all of a batch or nothing of it, and knows which batch it took last.
    """

    name: str
    # what to do if the sink and the ledger do not belong together
    remedy = ""

    @abstractmethod
    def open(self) -> None:
        """Prepare the sink for batches."""

    @abstractmethod
    def last_batch(self) -> int | None:
        """Return the number of the last batch in the sink; None if the sink has no record of it."""

    @abstractmethod
    def publish(self, batch: int, records: Batch, /) -> None:
        """Take a batch."""

    def refuse_lost_position(self, published: int, pending: int) -> None:
        """Raise if a sink that has no last batch must have one, after a published batch."""


def open_sink(ledger: Ledger, sink: Sink[Any]) -> None:
    """Open a sink, and mark the batch that it has already if the publisher was killed after it."""
    sink.open()
    published, pending = ledger.last_published_batch(), ledger.pending_batches()
    last = sink.last_batch()
    if last is None:
        if pending and published:
            sink.refuse_lost_position(published, pending[0])
        return
    if last != published and last not in pending[:1]:
        raise LedgerError(
            f"the last batch of {sink.name} is {last}, but by the ledger it is {published}: they "
            f"do not belong together. {sink.remedy}"
        )
    if last in pending:
        ledger.mark_published(last)


@overload
def publish(ledger: Ledger, sink: Sink[Messages]) -> int: ...


@overload
def publish(
    ledger: Ledger, sink: Sink[Batch], read_batch: Callable[[Ledger, int], Batch]
) -> int: ...


def publish(
    ledger: Ledger,
    sink: Sink[Any],
    read_batch: Callable[[Ledger, int], Any] = Ledger.read_messages,
) -> int:
    """Publish every pending batch, and return the number of records.

    `read_batch` reads a batch from the ledger in the form that the sink takes.
    """
    count = 0
    for batch in ledger.pending_batches():
        records = read_batch(ledger, batch)
        sink.publish(batch, records)
        ledger.mark_published(batch)
        count += len(records)
    return count
