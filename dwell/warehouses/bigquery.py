"""BigQuery, by Google's own client, with application default credentials.

GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default login`, say who;
GOOGLE_CLOUD_PROJECT, or the credentials, in which project.
"""

import contextlib
import hashlib
import itertools
import os
import re

from google.api_core.exceptions import Conflict, GoogleAPIError, NotFound
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY
from requests.exceptions import RequestException

from dwell.warehouses.base import PATIENCE_SECONDS, SCHEMAS, TABLES, Warehouse, moment

# by day of began_at, which a key fixes, so that no row ever changes its partition
PARTITIONED_BY = "began_at"
# of a day, one asks by program, then by user
CLUSTERED_BY = ["program_id", "user_id"]
PROJECT = re.compile(r"[a-z][a-z0-9-]*")


class BigQuery(Warehouse):
    """A table in BigQuery."""

    kind = "bigquery"
    quote = "`"
    errors = (GoogleAPIError, GoogleAuthError, RequestException)
    zoned = True

    def checked(self, table):
        """Return the parts of a table's name; its dataset must be one of them."""
        project, *rest = table.split(".") if table.count(".") == 2 else (None, *table.split("."))
        if len(rest) != 2:
            raise ValueError(f"--table {table}: give dataset.table, or project.dataset.table")
        if project and not PROJECT.fullmatch(project):
            raise ValueError(f"--table {table}: {project} is no project's id")
        return ([project] if project else []) + super().checked(".".join(rest))

    def connect(self):
        """Connect, and learn where the dataset is."""
        # Google's emulators ask for no credentials
        is_emulator = os.environ.get("BIGQUERY_EMULATOR_HOST")
        self.client = bigquery.Client(credentials=AnonymousCredentials() if is_emulator else None)
        if len(self.parts) == 2:
            self.parts.insert(0, self.client.project)
        # of each shard, for two may load at the same moment
        staged = f"{self.parts[-1]}_staged_{self.shard}"
        self.staged_id = ".".join([*self.parts[:-1], staged])
        self.staged = f"`{self.staged_id}`"
        dataset = self.client.get_dataset(
            ".".join(self.parts[:-1]), retry=DEFAULT_RETRY.with_timeout(PATIENCE_SECONDS)
        )
        self.location = dataset.location

    def query(self, sql):
        """Return the rows of a query."""
        for row in self.client.query(sql, location=self.location).result():
            yield row.values()

    def is_there(self, table):
        """Whether there is a table."""
        try:
            self.client.get_table(self.id_of(table))
        except NotFound:
            return False
        return True

    def moment(self, at):
        """Return a moment with its zone: a project can have another default than UTC."""
        return f"{moment(at)[:-1]}+00:00'"

    def day(self, column):
        """Return the day of a time in UTC, which is also the day of its partition."""
        return f"date({column}, 'UTC')"

    def create(self, table, definition):
        """Create a table, with its partitions and clusters."""
        made = bigquery.Table(self.id_of(table), schema=self.schema(definition))
        if definition in TABLES.values():
            made.time_partitioning = bigquery.TimePartitioning(field=PARTITIONED_BY)
            made.clustering_fields = CLUSTERED_BY
        self.client.create_table(made)

    def stage(self, records):
        """Load the file, which costs nothing, into a table of its own."""
        job = bigquery.LoadJobConfig(
            schema=self.schema("watch_stream_history"),
            source_format="PARQUET",
            write_disposition="WRITE_TRUNCATE",
        )
        with records.path.open("rb") as file:
            self.client.load_table_from_file(
                file, self.staged_id, location=self.location, job_config=job
            ).result()

    def transact(self, statements, batch):
        """Do all statements in one job; a script that ends without its commit is rolled back.

        The job is named for its batch. So a job that goes on after the process that began it was
        killed is found and waited for, and never done beside itself.
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
                if not self.is_done(job_id, batch):
                    continue
            else:
                job.result()
            break
        self.client.delete_table(self.staged_id, not_found_ok=True)

    def is_done(self, job_id, batch) -> bool:
        """Wait for a job of an earlier process; return whether the table has its batch."""
        with contextlib.suppress(*self.errors):
            self.client.get_job(job_id, location=self.location).result()
        # it may have been done in a table that was dropped or restored since
        return self.last_load()[0] >= batch

    def id_of(self, table: str) -> str:
        """Return a quoted name as the client has it."""
        name = table.replace("`", "")
        return name if name.count(".") == 2 else f"{self.client.project}.{name}"

    def schema(self, definition: str) -> list:
        """Return the fields of a file in schemas/."""
        return self.client.schema_from_json(SCHEMAS / self.kind / f"{definition}.json")


WAREHOUSE = BigQuery
