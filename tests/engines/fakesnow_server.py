"""fakesnow as a server that dbt can work with: fakesnow_server.py PORT, by fakesnow's Python.

It is DuckDB, in which a temporary table has no database and no schema. dbt names both, so here it
is a plain table, which dbt drops in the end.
"""

import sys

import fakesnow.server
import uvicorn
from fakesnow.cursor import FakeSnowflakeCursor
from sqlglot import exp

transform = FakeSnowflakeCursor._transform


def without_temporary(self, expression, params):
    if isinstance(expression, exp.Create) and expression.find(exp.Table).db:
        for found in list(expression.find_all(exp.TemporaryProperty)):
            found.pop()
    return transform(self, expression, params)


FakeSnowflakeCursor._transform = without_temporary
uvicorn.run(fakesnow.server.app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
