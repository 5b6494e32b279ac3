"""Tells a sink what the ledger says is to be told, each batch once."""

from dwell.exceptions import LedgerError
from dwell.publishing.ledger import Ledger


def open_sink(ledger: Ledger, sink) -> None:
    """Open a sink, and mark what it has been told already, though whoever told it died of it."""
    sink.open()
    published, pending = ledger.published(), ledger.pending()
    last = sink.last_batch()
    if last is None:
        if pending and published and sink.forgets:
            raise LedgerError(
                f"{sink.name}: it no longer says which batch it had last, and batch {pending[0]} "
                "may or may not be in it. Was its topic of positions deleted? Look for the batch's "
                f"records; then send {pending[0]} to {sink.positions} if they are there, or "
                f"{published} if not, with the key {sink.publisher}"
            )
        return
    if last != published and last not in pending[:1]:
        raise LedgerError(
            f"the last batch of {sink.name} is {last}, but by the ledger {published} is: they do "
            f"not belong together. {sink.remedy}"
        )
    if last in pending:
        ledger.mark_published(last)


def publish(ledger: Ledger, sink, take=Ledger.messages) -> int:
    """Tell every pending batch, and return how many records that were.

    `take` gives a batch of the ledger in the form that the sink takes.
    """
    told = 0
    for batch in ledger.pending():
        records = take(ledger, batch)
        sink.publish(batch, records)
        ledger.mark_published(batch)
        told += len(records)
    return told
