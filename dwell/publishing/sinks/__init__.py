"""The sinks of `dwell listen`: a Kafka topic, a folder, or the ledger alone."""

from dwell.publishing.sinks.folder import Folder
from dwell.publishing.sinks.kafka_topic import Topic
from dwell.publishing.sinks.nowhere import Nowhere

__all__ = ["Folder", "Nowhere", "Topic"]
