"""dwell load, killed at a named point, as dying.py does it: DIE_AT=point:times."""

import contextlib
import sys

from dying import __main__, around

from dwell.warehouses import session

# a statement of the warehouse's own transaction, which is open then
around(session.Session, "do", after="statement done")
with contextlib.suppress(ModuleNotFoundError):
    from google.cloud import bigquery

    # a job that goes on without the process that began it
    around(bigquery.Client, "query", after="job begun")

if __name__ == "__main__":
    sys.exit(__main__.main())
