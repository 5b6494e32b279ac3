"""`dwell ingest`: a Kafka topic's messages, as they come, into landing files."""

import argparse
from pathlib import Path

from dwell.exceptions import KafkaClientError, KafkaConfigError, LandingInUseError
from dwell.kafka import config as kafka_config
from dwell.kafka.consumer import Progress, Reader, read_on
from dwell.landing.folder import Landing
from dwell.runtime import log, shutdown


def main(arguments: argparse.Namespace) -> int:
    """Land until told to end. 0: ended as asked; 1: could not go on; 2: wrong usage."""
    log.set_up()
    shutdown.handle_signals()
    status = log.Status()
    rate = log.Rate()

    def tell(progress: Progress) -> None:
        per_second = rate.per_second(progress.read_at, progress.messages)
        status.update(
            progress.read_at,
            f"landed {progress.messages:,}, {per_second:,.0f}/s, {progress.lag:,} behind",
            landed=progress.messages,
            per_second=round(per_second),
            lag=progress.lag,
        )

    try:
        settings = kafka_config.settings_of(arguments)
        landing = Landing(Path(arguments.landing))
        reader = Reader(settings, arguments.topic, landing, arguments.share, arguments.accept_loss)
    except (KafkaClientError, LandingInUseError, OSError) as error:
        log.error(str(error))
        return 2 if isinstance(error, KafkaConfigError) else 1
    try:
        read_on(
            reader, arguments.every, arguments.until_end, lambda: not shutdown.is_requested(), tell
        )
    except (KafkaClientError, OSError) as error:
        status.end()
        log.error(str(error))
        return 1
    finally:
        reader.close()
    status.end()
    log.info(f"ended; {reader.messages:,} messages landed", landed=reader.messages)
    return 0
