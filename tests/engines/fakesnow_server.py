"""fakesnow as a server that dbt can work with: fakesnow_server.py PORT, by fakesnow's Python.

It is DuckDB, in which a temporary table has no database and no schema. dbt names both, so here it
is a plain table, which dbt drops in the end. Of the table that a MERGE makes for itself, fakesnow
notes a comment in another database; but a transaction of DuckDB writes to one database alone.
"""

import sys

import fakesnow.server
import uvicorn
from fakesnow import info_schema
from fakesnow.cursor import FakeSnowflakeCursor
from sqlglot import exp

transform = FakeSnowflakeCursor._transform


def without_temporary(self, expression, params):
    if isinstance(expression, exp.Create) and expression.find(exp.Table).db:
        for found in list(expression.find_all(exp.TemporaryProperty)):
            found.pop()
    return transform(self, expression, params)


def without_merge(note):
    def noted(catalog, schema, table, *what):
        return (
            "select 1"
            if table.lower() == "merge_candidates"
            else note(catalog, schema, table, *what)
        )

    return noted


FakeSnowflakeCursor._transform = without_temporary
for name in ("insert_table_comment_sql", "insert_text_lengths_sql"):
    setattr(info_schema, name, without_merge(getattr(info_schema, name)))
uvicorn.run(fakesnow.server.app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
