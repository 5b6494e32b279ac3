"""Google's own analyzer of BigQuery's SQL, on the statements of a run in their order.

A statement that makes a table or a view makes it known to those after it, with its types.
"""

import re

from google.protobuf.message import DecodeError
from support.warehouses.bigquery_analyzer import KINDS, analyzer
from zetasql.types import ParseResumeLocation

# what BigQuery documents and this analyzer, which is older, does not know; and names of three
# parts, which it looks for in catalogs within catalogs
SAME = (
    (r"\b(?:bigint|integer)\b", "int64"),
    (r"\bmax_by\(([^(),]+), ([^(),]+)\)", r"any_value(\1 having max \2)"),
    (r"`[^`]+`\.`([^`]+)`\.`([^`]+)`", r"`\1.\2`"),
)
COMMENTS = r"(?s)/\*.*?\*/|--[^\n]*"


class Statements:
    """The tables that are known so far, and what was wrong.

    `tables` are {"dataset.table": columns}, all of them STRING but `loaded_at`, a TIMESTAMP.
    """

    def __init__(self, tables):
        self.tables = {
            name: [(c, KINDS["TIMESTAMP" if c == "loaded_at" else "STRING"]) for c in columns]
            for name, columns in tables.items()
        }
        # created again with each table, which takes a tenth of a second
        self.analyzer = None
        self.kinds = set()
        # scripts in which a statement was right, but its answer could not be read
        self.unread = 0

    def analyze(self, script):
        """Look at a script's statements; return what is wrong with the first wrong one, or none."""
        for pattern, other in SAME:
            script = re.sub(pattern, other, script)
        text, position = script.encode(), ParseResumeLocation(input=script, byte_position=0)
        while re.sub(COMMENTS, "", text[position.byte_position :].decode()).strip():
            self.analyzer = self.analyzer or analyzer(self.tables)
            try:
                found = self.analyzer.analyze_next_statement(position)
            except DecodeError:
                # right, but nested too deep for protobuf to read what it is: nothing is learnt
                self.unread += 1
                return None
            except Exception as error:
                return " ".join(str(error).split())
            self.learn(found)
        return None

    def learn(self, found):
        kind = type(found).__name__.removeprefix("Resolved").removesuffix("Stmt")
        self.kinds.add(kind)
        if kind in ("CreateTableAsSelect", "CreateView"):
            columns = [(c.name, c.column.type.type_kind) for c in found.output_column_list]
        elif kind == "CreateTable":
            columns = [(c.name, c.type.type_kind) for c in found.column_definition_list]
        else:
            return
        name = ".".join(found.name_path)
        if self.tables.get(name) != columns:
            self.tables[name] = columns
            self.analyzer = None
