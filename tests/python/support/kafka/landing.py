"""Landing files of a test's own, as `dwell ingest` writes them."""

import json

import duckdb


def payload(**fields):
    """Return a heartbeat's JSON, with fields of a test's own in place of the usual ones."""
    usual = {
        "user_id": "u",
        "program_id": "p",
        "start_time": "2025-01-01T10:00:00Z",
        "session_id": "s",
        "device": "tv",
        "event_time": "2025-01-01T10:00:00Z",
    }
    return json.dumps(usual | fields)


def land(path, messages):
    """Write {offset: payload} of partition 0 of topic t, or {(topic, partition, offset): payload}.

    Each message is received a second after the one before.
    """
    with duckdb.connect() as connection:
        connection.execute(
            """create table landed (topic varchar, "partition" integer, "offset" bigint,
            received_at timestamp, payload blob)"""
        )
        connection.executemany(
            "insert into landed values (?, ?, ?, timestamp '2025-01-01 12:00' + to_seconds(?), ?)",
            [
                (
                    *(position if isinstance(position, tuple) else ("t", 0, position)),
                    second,
                    payload.encode() if isinstance(payload, str) else payload,
                )
                for second, (position, payload) in enumerate(messages.items())
            ],
        )
        connection.execute(f"copy landed to '{path}' (format parquet)")
    return path
