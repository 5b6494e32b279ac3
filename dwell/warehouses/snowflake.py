"""Snowflake, by its own client.

SNOWFLAKE_ACCOUNT, _USER, _PASSWORD (or _AUTHENTICATOR, _PRIVATE_KEY_PATH, _TOKEN), _ROLE,
_WAREHOUSE, _DATABASE and _SCHEMA say where and who; without an account, the client's own
connections.toml does.
"""

import os
import secrets

import snowflake.connector

from dwell.publishing.records import COLUMNS, TIMES
from dwell.warehouses.base import PATIENCE_SECONDS, moment
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
KEY = {
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

    def folded(self, name):
        """Return a name in upper case."""
        return name.upper()

    def connect(self):
        """Connect."""
        named = {name: os.environ.get(f"SNOWFLAKE_{name.upper()}") for name in OPTIONS}
        # as dbt calls them
        for name, told in KEY.items():
            named[name] = os.environ.get(f"SNOWFLAKE_{told}")
        given = {name: value for name, value in named.items() if value}
        self.connection = snowflake.connector.connect(
            **(given if "account" in given else {}),
            autocommit=False,
            login_timeout=PATIENCE_SECONDS,
            session_parameters=SESSION,
        )

    def moment(self, at):
        """Return a moment without a zone, as the columns are, whatever `timestamp` maps to."""
        return f"{moment(at).removeprefix('timestamp ')}::timestamp_ntz(6)"

    def open(self):
        """Connect; make the tables, and a place for files of this session's own."""
        super().open()
        # of no name that is there already, which would be taken instead
        self.files = f"dwell_{secrets.token_hex(8)}"
        self.do(f"create temporary stage {self.files}")

    def stage(self, records):
        """Put the file there, and copy it."""
        self.do(f"delete from {self.staged}")
        # a backslash would be read as an escape
        path = records.path.resolve().as_posix().replace("'", "\\'")
        self.do(f"put 'file://{path}' @{self.files} auto_compress = false overwrite = true")
        kinds = ", ".join(
            f"$1:{column}::timestamp_ntz(6)" if column in TIMES else f"$1:{column}"
            for column in COLUMNS
        )
        self.do(
            f"copy into {self.staged} ({', '.join(COLUMNS)}) "
            f"from (select {kinds} from @{self.files}) "
            "file_format = (type = parquet use_logical_type = true) purge = true"
        )


WAREHOUSE = Snowflake
