"""dwell load, killed at a named point, as listener.py is: DIE_AT=point:times."""

import contextlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[4]))

from support.killed.listener import main, reached

from dwell.warehouses import session


def in_the_transaction(execute):
    """Die before its second statement: the load is recorded, and its rows are not there yet.

    (If a transaction never ends, Snowflake's emulator keeps locks on the rows that it deleted.)
    """

    def changed(self, statement, values=None):
        if statement.startswith((f"delete from {self.table}", f"insert into {self.table}")):
            reached("noted")
        execute(self, statement, values)

    return changed


session.Session.execute = in_the_transaction(session.Session.execute)
with contextlib.suppress(ModuleNotFoundError):
    from google.cloud import bigquery

    query = bigquery.Client.query

    def start_query(self, sql, **how):
        """Die after a job has started, which continues by itself."""
        job = query(self, sql, **how)
        if "begin transaction" in sql:
            reached("noted")
        return job

    bigquery.Client.query = start_query

if __name__ == "__main__":
    sys.exit(main())
