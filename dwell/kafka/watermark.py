"""The watermark: the time of the broker before which everything that it received has landed."""

from collections.abc import Sequence

from dwell.kafka.progress import ConsumerProgress, PartitionProgress


def compute_watermark(progress: Sequence[ConsumerProgress | None]) -> int | None:
    """Return the watermark (ms, broker's time) of all partitions; None if one has none.

    It is that of the partition that is furthest behind. A consumer that has not reported yet (None)
    has partitions that are not known.
    """
    known = [consumer for consumer in progress if consumer is not None]
    if len(known) < len(progress):
        return None
    ahead_ms = max(
        (c.broker_ahead_ms for c in known if c.broker_ahead_ms is not None), default=None
    )
    watermarks = []
    for consumer in known:
        for partition in consumer.partitions.values():
            watermark = compute_partition_watermark(partition, ahead_ms)
            if watermark is None:
                return None
            watermarks.append(watermark)
    return min(watermarks, default=None)


def compute_partition_watermark(
    partition: PartitionProgress, broker_ahead_ms: float | None
) -> int | None:
    """Return the watermark (ms, broker's time) of a partition; None if nothing is known.

    A partition has landed up to its newest time of receipt; or, if its end offset was reached, up
    to when the broker was asked for that offset. The broker's time at that moment is not known. But
    it was past the newest time of receipt when that message was read, and has advanced since as
    monotonic time has. So neither a backlog nor a wrong system time on this machine ends a stream
    early, and the watermark of a silent source advances.
    """
    moments = []
    if partition.newest_received_at is not None:
        moments.append(partition.newest_received_at)
    if partition.complete_at is not None and broker_ahead_ms is not None:
        moments.append(int(partition.complete_at * 1000 + broker_ahead_ms))
    return max(moments, default=None)
