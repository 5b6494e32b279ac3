"""`dwell ingest`: lands a Kafka topic's messages as they arrive."""

import contextlib
from pathlib import Path

from dwell.kafka.config import client_settings
from dwell.kafka.consumer import PartitionConsumer, consume
from dwell.kafka.progress import ConsumerProgress
from dwell.landing.folder import Landing, Share
from dwell.runtime import log, shutdown


def ingest(
    *,
    topic: str,
    landing: str,
    share: Share,
    every: float,
    until_end: bool,
    accept_loss: bool,
    bootstrap_servers: str | None,
    kafka_config: str | None,
) -> None:
    """Land messages until the process is asked to end, or up to the end of the topic."""
    shutdown.handle_signals()
    status = log.Status()
    rate = log.Rate()

    def report(progress: ConsumerProgress) -> None:
        per_second = rate.per_second(progress.read_at, progress.message_count)
        status.update(
            progress.read_at,
            f"landed {progress.message_count:,}, {per_second:,.0f}/s, {progress.lag:,} behind",
            landed=progress.message_count,
            per_second=round(per_second),
            lag=progress.lag,
        )

    settings = client_settings(bootstrap_servers, kafka_config)
    consumer = PartitionConsumer(settings, topic, Landing(Path(landing)), share, accept_loss)
    with contextlib.closing(consumer):
        try:
            consume(consumer, every, until_end, lambda: not shutdown.is_requested(), report)
        finally:
            status.end()
    landed = consumer.message_count
    log.info(f"ended; {landed:,} messages landed", landed=landed)
