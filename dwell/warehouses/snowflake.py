"""Snowflake, with its own client.

SNOWFLAKE_ACCOUNT, _USER, _PASSWORD (or _AUTHENTICATOR, _PRIVATE_KEY_PATH, _TOKEN), _ROLE,
_WAREHOUSE, _DATABASE, and _SCHEMA name the server and the user. Without an account, the client
reads its own connections.toml.
"""

import os
import secrets
from datetime import datetime

import snowflake.connector

from dwell.publishing.records import COLUMNS, TIMES, Records
from dwell.warehouses.base import CONNECT_TIMEOUT_SECONDS, format_moment
from dwell.warehouses.session import Session

OPTIONS = (
    "account",
    "user",
    "password",
    "authenticator",
    "token",
    "role",
    "warehouse",
    "database",
    "schema",
    "host",
    "port",
    "protocol",
)
KEY_VARIABLES = {
    "private_key_file": "PRIVATE_KEY_PATH",
    "private_key_file_pwd": "PRIVATE_KEY_PASSPHRASE",
}
SESSION = {
    "TIMEZONE": "UTC",
    # a transaction whose process was killed keeps its locks until another waits for 5 minutes
    "LOCK_TIMEOUT": 600,
}


class Snowflake(Session):
    """A table in Snowflake."""

    kind = "snowflake"
    errors = (snowflake.connector.Error,)

    def fold_name(self, name: str) -> str:
        """Return a name in upper case."""
        return name.upper()

    def connect(self) -> None:
        """Connect."""
        named = {name: os.environ.get(f"SNOWFLAKE_{name.upper()}") for name in OPTIONS}
        # the variables have the names that dbt uses
        for name, variable in KEY_VARIABLES.items():
            named[name] = os.environ.get(f"SNOWFLAKE_{variable}")
        given = {name: value for name, value in named.items() if value}
        self.connection = snowflake.connector.connect(
            **(given if "account" in given else {}),
            autocommit=False,
            login_timeout=CONNECT_TIMEOUT_SECONDS,
            session_parameters=SESSION,
        )

    def format_moment(self, at: datetime) -> str:
        """Return a moment without a zone, as the columns are, whatever `timestamp` maps to."""
        return f"{format_moment(at).removeprefix('timestamp ')}::timestamp_ntz(6)"

    def open(self) -> None:
        """Connect; create the tables if they do not exist, and a temporary stage for files."""
        super().open()
        # a random name, because a stage that exists would be used instead
        self.files = f"dwell_{secrets.token_hex(8)}"
        self.execute(f"create temporary stage {self.files}")

    def stage(self, records: Records) -> None:
        """Put the file on the stage, and copy it."""
        self.execute(f"delete from {self.staged}")
        # Snowflake reads a backslash as an escape
        path = records.path.resolve().as_posix().replace("'", "\\'")
        self.execute(f"put 'file://{path}' @{self.files} auto_compress = false overwrite = true")
        values = ", ".join(
            f"$1:{column}::timestamp_ntz(6)" if column in TIMES else f"$1:{column}"
            for column in COLUMNS
        )
        self.execute(
            f"copy into {self.staged} ({', '.join(COLUMNS)}) "
            f"from (select {values} from @{self.files}) "
            "file_format = (type = parquet use_logical_type = true) purge = true"
        )


WAREHOUSE = Snowflake
