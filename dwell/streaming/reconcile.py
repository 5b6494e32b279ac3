"""`dwell reconcile`: accounts for each offset of a topic, up to the streams and the table.

Messages that have arrived since the run began are counted, and are no difference.
"""

import contextlib
import sys
from pathlib import Path

import duckdb

from dwell import config
from dwell.exceptions import DifferenceError, UsageError, WarehouseError
from dwell.kafka.config import client_settings
from dwell.kafka.topic_offsets import TopicOffsets
from dwell.landing.folder import Landing
from dwell.runtime.database_lock import retry_while_locked
from dwell.runtime.terminal import escape
from dwell.runtime.text import shorten_error
from dwell.streaming.offset_ranges import read_loaded_offsets
from dwell.streaming.reconciliation import (
    Report,
    reconcile_offsets,
    reconcile_rows,
    reconcile_streams,
    reconcile_table,
)
from dwell.warehouses import comparison
from dwell.warehouses.base import create_warehouse


def reconcile(
    *,
    topic: str,
    landing: str,
    end_offsets: dict[int, int] | None,
    warehouse: str | None,
    table: str,
    shard: str,
    full: bool,
    sparse: bool,
    bootstrap_servers: str | None,
    kafka_config: str | None,
) -> None:
    """Print the totals of each step; raise if they differ."""
    compared = create_warehouse(warehouse, table, "merge", shard) if warehouse else None
    settings = client_settings(bootstrap_servers, kafka_config)

    def compare_steps() -> Report:
        database = Path(config.database())
        if not database.exists():
            raise UsageError(f"there is no {database}: run the models first, or set DWELL_DATABASE")
        report = Report()
        with duckdb.connect(str(database), read_only=True) as connection:
            loaded = read_loaded_offsets(connection, topic)
            reconcile_offsets(report, offsets, Landing(Path(landing)), loaded, end_offsets, sparse)
            accepted = reconcile_rows(report, connection)
            reconcile_streams(report, connection, accepted)
            if compared:
                path = comparison.balance_path(database, compared, table)
                reconcile_table(report, connection, compared, path, full)
        return report

    client_errors: tuple[type[Exception], ...] = compared.errors if compared else ()
    with contextlib.closing(TopicOffsets(settings, topic)) as offsets:
        try:
            report = retry_while_locked(compare_steps)
        except client_errors as error:
            raise WarehouseError(shorten_error(error)) from error
    for line in report.lines:
        print(escape(line))
    sys.stdout.flush()
    if report.differences:
        raise DifferenceError(f"not reconciled: {'; '.join(report.differences)}")
    print(f"reconciled: each offset is accounted for{'' if compared else '; no --warehouse given'}")
