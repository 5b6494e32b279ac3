"""The sink of a listener that publishes to nothing but its ledger."""

from dwell.publishing.publisher import Sink
from dwell.publishing.records import Messages


class Nowhere(Sink[Messages]):
    """The ledger alone."""

    name = "the ledger alone"

    def open(self) -> None:
        """Do nothing."""

    def last_batch(self) -> int | None:
        """Return None: no sink has a last batch."""
        return None

    def publish(self, batch: int, messages: Messages) -> None:
        """Do nothing: the ledger has stored the batch."""
