"""dwell load, killed at a named point, as dying.py does it: DIE_AT=point:times."""

import contextlib
import sys

from dying import __main__, reached

from dwell.warehouses import session


def after_the_note(do):
    """Die in the transaction: the load is noted, and its rows are not there yet."""

    def changed(self, statement, values=None):
        do(self, statement, values)
        if "insert into" in statement and "_loads" in statement.lower():
            reached("noted")

    return changed


session.Session.do = after_the_note(session.Session.do)
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
