"""Redshift, with Amazon's own client.

REDSHIFT_HOST, _PORT, _DATABASE, _USER, and _PASSWORD name the server and the user. With
REDSHIFT_IAM=true the client asks AWS for a password, with the AWS credentials of the environment.
"""

import os
from typing import Any

import duckdb
import redshift_connector
from redshift_connector.error import Error

from dwell.exceptions import UsageError
from dwell.publishing.records import COLUMNS, TEXTS, Records
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
# Redshift has no text with a NUL
SELECTED = ", ".join(
    f"replace({column}, chr(0), '\ufffd')" if column in TEXTS else column for column in COLUMNS
)


class Redshift(Session):
    """A table in Redshift.

    A batch is staged by INSERTs of many rows: a COPY needs a bucket, and a role.
    """

    kind = "redshift"
    errors = (Error, OSError)

    def fold_name(self, name: str) -> str:
        """Return a name in lower case."""
        return name.lower()

    def connect(self) -> None:
        """Connect."""
        given: dict[str, Any] = {
            name: os.environ[key] for key, name in OPTIONS.items() if os.environ.get(key)
        }
        if "port" in given:
            if not given["port"].isdecimal():
                raise UsageError(f"REDSHIFT_PORT must be a number, not {given['port']}")
            given["port"] = int(given["port"])
        for name, default in (("iam", "false"), ("ssl", "true")):
            value = os.environ.get(f"REDSHIFT_{name.upper()}", default)
            given[name] = value.lower() == "true"
        self.connection = redshift_connector.connect(**given)
        self.transact([SET_UTC], 0)

    def stage(self, records: Records) -> None:
        """Insert the file's rows."""
        self.execute(f"delete from {self.staged}")
        row_of_values = f"({', '.join(['%s'] * len(COLUMNS))})"
        with duckdb.connect() as connection:
            result = connection.execute(
                f"select {SELECTED} from read_parquet($path)", {"path": str(records.path)}
            )
            while rows := result.fetchmany(ROWS_AT_ONCE):
                self.execute(
                    f"insert into {self.staged} ({', '.join(COLUMNS)}) "
                    f"values {', '.join([row_of_values] * len(rows))}",
                    [value for row in rows for value in row],
                )


WAREHOUSE = Redshift
