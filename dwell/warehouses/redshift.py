"""Redshift, by Amazon's own client.

REDSHIFT_HOST, _PORT, _DATABASE, _USER and _PASSWORD say where and who; with REDSHIFT_IAM=true the
client asks AWS for a password, by the AWS credentials of the environment.
"""

import os

import duckdb
import redshift_connector

from dwell.publishing.records import COLUMNS, TEXTS
from dwell.warehouses.session import SET_UTC, Session

# a statement may have 32,767 values
ROWS_AT_ONCE = 2_000
# {variable: the client's name for it}
OPTIONS = {
    "REDSHIFT_HOST": "host",
    "REDSHIFT_PORT": "port",
    "REDSHIFT_DATABASE": "database",
    "REDSHIFT_USER": "user",
    "REDSHIFT_PASSWORD": "password",
    "REDSHIFT_DB_USER": "db_user",
    "REDSHIFT_CLUSTER_IDENTIFIER": "cluster_identifier",
    "REDSHIFT_SERVERLESS_WORK_GROUP": "serverless_work_group",
    "REDSHIFT_REGION": "region",
}
# Redshift has no text with a NUL in it
SELECTED = ", ".join(
    f"replace({column}, chr(0), '\ufffd')" if column in TEXTS else column for column in COLUMNS
)


class Redshift(Session):
    """A table in Redshift.

    A batch goes in by INSERTs of many rows: a COPY would need a bucket, and a role for it.
    """

    kind = "redshift"
    errors = (redshift_connector.Error, OSError)

    def folded(self, name):
        """Return a name in lower case."""
        return name.lower()

    def connect(self):
        """Connect."""
        given = {name: os.environ[key] for key, name in OPTIONS.items() if os.environ.get(key)}
        if "port" in given:
            given["port"] = int(given["port"])
        flags = {
            name: os.environ.get(f"REDSHIFT_{name.upper()}", default).lower() == "true"
            for name, default in {"iam": "false", "ssl": "true"}.items()
        }
        self.connection = redshift_connector.connect(**given, **flags)
        self.transact([SET_UTC], 0)

    def stage(self, records):
        """Insert the file's rows."""
        self.do(f"delete from {self.staged}")
        one = f"({', '.join(['%s'] * len(COLUMNS))})"
        with duckdb.connect() as connection:
            found = connection.execute(
                f"select {SELECTED} from read_parquet($path)", {"path": str(records.path)}
            )
            while rows := found.fetchmany(ROWS_AT_ONCE):
                self.do(
                    f"insert into {self.staged} ({', '.join(COLUMNS)}) "
                    f"values {', '.join([one] * len(rows))}",
                    [value for row in rows for value in row],
                )


WAREHOUSE = Redshift
