"""PostgreSQL, with psycopg. It connects as psql does: PGHOST, PGUSER, PGPASSWORD, ~/.pgpass, ..."""

import tempfile
from pathlib import Path

import duckdb
import psycopg

from dwell.publishing.records import COLUMNS, TEXTS, Records
from dwell.warehouses.base import CONNECT_TIMEOUT_SECONDS
from dwell.warehouses.session import SET_UTC, Session

CHUNK = 2**20
# PostgreSQL has no text with a NUL
COLUMNS_TO_COPY = ", ".join(
    f"replace({column}, chr(0), '\ufffd')" if column in TEXTS else column for column in COLUMNS
)


class Postgres(Session):
    """A table in PostgreSQL."""

    kind = "postgres"
    errors = (psycopg.Error,)

    def fold_name(self, name: str) -> str:
        """Return a name in lower case."""
        return name.lower()

    def connect(self) -> None:
        """Connect."""
        self.connection = psycopg.connect(
            application_name="dwell load", connect_timeout=CONNECT_TIMEOUT_SECONDS
        )
        self.transact([SET_UTC], 0)

    def stage(self, records: Records) -> None:
        """Copy the file as CSV."""
        self.execute(f"delete from {self.staged}")
        copy = f"copy {self.staged} ({', '.join(COLUMNS)}) from stdin with (format csv)"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "records.csv"
            duckdb.connect().execute(
                f"copy (select {COLUMNS_TO_COPY} from read_parquet($path)) to '{path}' "
                "(format csv, header false, force_quote *)",
                {"path": str(records.path)},
            )
            with (
                path.open("rb") as file,
                self.connection.cursor() as cursor,
                cursor.copy(copy) as target,
            ):
                while chunk := file.read(CHUNK):
                    target.write(chunk)


WAREHOUSE = Postgres
