"""dwell load, killed at a named point, as listener.py does it: DIE_AT=point:times."""

import contextlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[4]))

from support.killed.listener import __main__, reached

from dwell.warehouses import session


def in_the_transaction(do):
    """Die before its second statement: the load is noted, and its rows are not there yet.

    (Snowflake's emulator keeps what a transaction has deleted locked for good, if it never ends.)
    """

    def changed(self, statement, values=None):
        if statement.startswith((f"delete from {self.table}", f"insert into {self.table}")):
            reached("noted")
        do(self, statement, values)

    return changed


session.Session.do = in_the_transaction(session.Session.do)
with contextlib.suppress(ModuleNotFoundError):
    from google.cloud import bigquery

    query = bigquery.Client.query

    def begun(self, sql, **how):
        """Die with a job begun, which goes on by itself."""
        job = query(self, sql, **how)
        if "begin transaction" in sql:
            reached("noted")
        return job

    bigquery.Client.query = begun

if __name__ == "__main__":
    sys.exit(__main__.main())
