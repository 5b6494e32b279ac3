"""Messages of Kafka as columns, and as the record batches of landing files."""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
from confluent_kafka import TIMESTAMP_CREATE_TIME, Message

from dwell.landing.folder import SCHEMA


class MessageColumns(NamedTuple):
    """Messages, column by column; a time of receipt (ms) is None if the message has none."""

    partitions: list[int]
    offsets: list[int]
    received_at: list[int | None]
    payloads: list[bytes | None]
    # whether a time is that of the producer, and not of the broker
    has_producer_time: bool


def to_columns(messages: Sequence[Message]) -> MessageColumns:
    """Return messages as columns."""
    kinds, times = zip(*[message.timestamp() for message in messages], strict=True)
    return MessageColumns(
        # librdkafka sets both on every message that is no error
        [message.partition() for message in messages],  # type: ignore[misc]
        [message.offset() for message in messages],  # type: ignore[misc]
        # -1: the message has no time
        [at if at >= 0 else None for at in times],
        [message.value() for message in messages],
        TIMESTAMP_CREATE_TIME in kinds,
    )


def to_record_batch(topic: str, columns: MessageColumns) -> pa.RecordBatch:
    """Return columns of messages as a record batch of a landing file."""
    return pa.record_batch(
        [
            pa.repeat(topic, len(columns.offsets)),
            pa.array(columns.partitions, pa.int32()),
            pa.array(columns.offsets, pa.int64()),
            pa.array(columns.received_at, pa.timestamp("ms")).cast(pa.timestamp("us")),
            pa.array(columns.payloads, pa.binary()),
        ],
        schema=SCHEMA,
    )
