"""`dwell end-offsets`: the end offset of each partition of a topic, as JSON.

An orchestrator stores them before it lands a topic, and passes them to `dwell reconcile` later.
"""

import contextlib
import json

from dwell.kafka.config import client_settings
from dwell.kafka.topic_offsets import TopicOffsets
from dwell.runtime import log


def print_end_offsets(
    *, topic: str, bootstrap_servers: str | None, kafka_config: str | None
) -> None:
    """Print {"partition": end offset}."""
    # messages of Kafka's client
    log.set_up()
    settings = client_settings(bootstrap_servers, kafka_config)
    with contextlib.closing(TopicOffsets(settings, topic)) as offsets:
        bounds = offsets.get_bounds()
    print(json.dumps({partition: end for partition, (_, end) in bounds.items()}))
