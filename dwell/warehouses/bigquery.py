"""BigQuery, with Google's own client and application default credentials.

GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default login`, names the user;
GOOGLE_CLOUD_PROJECT, or the credentials, name the project.
"""

import contextlib
import hashlib
import itertools
import os
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from google.api_core.exceptions import Conflict, GoogleAPIError, NotFound
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY
from requests.exceptions import RequestException

from dwell.exceptions import UsageError
from dwell.publishing.records import Records
from dwell.warehouses.base import (
    CONNECT_TIMEOUT_SECONDS,
    SCHEMAS,
    TABLES,
    Warehouse,
    format_moment,
)

# by day of began_at, which does not change for a key, so that no row changes its partition
PARTITIONED_BY = "began_at"
# within days, queries filter by program, then by user
CLUSTERED_BY = ["program_id", "user_id"]
PROJECT = re.compile(r"[a-z][a-z0-9-]*")


class BigQuery(Warehouse):
    """A table in BigQuery."""

    kind = "bigquery"
    quote_mark = "`"
    errors = (GoogleAPIError, GoogleAuthError, RequestException)
    has_zoned_times = True

    def split_name(self, table: str) -> list[str]:
        """Return the parts of a table's name, of which the dataset must be one."""
        parts = table.split(".")
        if len(parts) not in (2, 3):
            raise UsageError(f"--table {table}: give dataset.table, or project.dataset.table")
        *project, dataset, name = parts
        for part in project:
            if not PROJECT.fullmatch(part):
                raise UsageError(f"--table {table}: {part} is not the id of a project")
        return [*project, *super().split_name(f"{dataset}.{name}")]

    def connect(self) -> None:
        """Connect, and read the location of the dataset."""
        # emulators need no credentials
        is_emulator = os.environ.get("BIGQUERY_EMULATOR_HOST")
        credentials: Any = AnonymousCredentials() if is_emulator else None  # type: ignore[no-untyped-call]
        self.client = bigquery.Client(credentials=credentials)
        if len(self.parts) == 2:
            self.parts.insert(0, self.client.project)
        # one for each shard, because two may load at the same moment
        staged = f"{self.parts[-1]}_staged_{self.shard}"
        self.staged_id = ".".join([*self.parts[:-1], staged])
        self.staged = f"`{self.staged_id}`"
        dataset = self.client.get_dataset(
            ".".join(self.parts[:-1]), retry=DEFAULT_RETRY.with_timeout(CONNECT_TIMEOUT_SECONDS)
        )
        self.location = dataset.location

    def query(self, sql: str) -> Iterable[tuple[Any, ...]]:
        """Return the rows of a query."""
        for row in self.client.query(sql, location=self.location).result():
            yield row.values()

    def has_table(self, table: str) -> bool:
        """Return whether a table exists."""
        try:
            self.client.get_table(self.table_id(table))
        except NotFound:
            return False
        return True

    def format_moment(self, at: datetime) -> str:
        """Return a moment with its zone: the default of a project may differ from UTC."""
        return f"{format_moment(at)[:-1]}+00:00'"

    def format_day(self, column: str) -> str:
        """Return the day of a time in UTC, which is also the day of its partition."""
        return f"date({column}, 'UTC')"

    def create_table(self, table: str, definition: str) -> None:
        """Create a table, with its partitions and clusters."""
        created = bigquery.Table(self.table_id(table), schema=self.read_schema(definition))
        if definition in TABLES.values():
            created.time_partitioning = bigquery.TimePartitioning(field=PARTITIONED_BY)
            created.clustering_fields = CLUSTERED_BY
        self.client.create_table(created)

    def stage(self, records: Records) -> None:
        """Load the file, which is free, into the shard's table for batches."""
        job = bigquery.LoadJobConfig(
            schema=self.read_schema("watch_stream_history"),
            source_format="PARQUET",
            write_disposition="WRITE_TRUNCATE",
        )
        with records.path.open("rb") as file:
            self.client.load_table_from_file(
                file, self.staged_id, location=self.location, job_config=job
            ).result()

    def transact(self, statements: list[str], batch: int) -> None:
        """Execute all statements in one job; a script that ends without its commit is rolled back.

        The job is named for its batch. If a job continues after its process was killed, the next
        process finds it and waits for it, so that no two jobs load the same batch at once.
        """
        script = ";\n".join(["begin transaction", *statements, "commit transaction", ""])
        name = hashlib.sha256(
            f"{self.table} {self.shard} {self.ledger} {batch}".encode()
        ).hexdigest()[:32]
        for attempt in itertools.count():
            job_id = f"dwell-{name}-{attempt}"
            try:
                job = self.client.query(
                    script, job_id=job_id, location=self.location, job_retry=None
                )
            except Conflict:
                if not self.wait_for_job(job_id, batch):
                    continue
            else:
                job.result()
            break
        self.client.delete_table(self.staged_id, not_found_ok=True)

    def wait_for_job(self, job_id: str, batch: int) -> bool:
        """Wait for a job of an earlier process; return whether the table has its batch."""
        with contextlib.suppress(*self.errors):
            self.client.get_job(job_id, location=self.location).result()
        # the job may have loaded a table that was dropped or restored since
        return self.last_load()[0] >= batch

    def table_id(self, table: str) -> str:
        """Return the id that the client uses for a quoted name."""
        name = table.replace("`", "")
        return name if name.count(".") == 2 else f"{self.client.project}.{name}"

    def read_schema(self, definition: str) -> Any:
        """Return the fields of a file in schemas/."""
        return self.client.schema_from_json(SCHEMAS / self.kind / f"{definition}.json")


WAREHOUSE = BigQuery
