"""How far a consumer has read and landed its partitions."""

import time
from dataclasses import dataclass, field


@dataclass
class PartitionProgress:
    """How far one partition has been read."""

    next_offset: int
    # in ms, by the broker
    newest_received_at: int | None = None
    # an end offset, and when the broker was asked for it (monotonic seconds)
    end_requested_at: float | None = None
    end_offset: int | None = None
    # all that the broker had by this moment (monotonic seconds) has landed
    complete_at: float | None = None

    def has_reached_end(self) -> bool:
        """Whether everything up to the last known end offset has been read."""
        return self.end_offset is None or self.next_offset >= self.end_offset


@dataclass
class ConsumerProgress:
    """How far a consumer has landed its partitions."""

    partitions: dict[int, PartitionProgress]
    message_count: int
    # time of receipt (ms) minus monotonic time (ms), at its greatest: the broker's time is ahead of
    # the monotonic time by at least this
    broker_ahead_ms: float | None
    read_at: float = field(default_factory=time.monotonic)

    @property
    def lag(self) -> int:
        """Messages that the broker has and that have not landed, as far as is known."""
        return sum(max((p.end_offset or 0) - p.next_offset, 0) for p in self.partitions.values())
