"""The warehouses whose transaction is several requests of one connection."""

from collections.abc import Iterable, Sequence
from typing import Any

from dwell.publishing.records import COLUMNS
from dwell.warehouses.base import Warehouse

# columns have no zone, but those of a table that a user created may have one
SET_UTC = "set timezone to 'UTC'"


class Session(Warehouse):
    """A connection that has `cursor`, `commit`, and `rollback`, as in Python's DB API."""

    connection: Any = None

    def query(self, sql: str) -> Iterable[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            rows = cursor.fetchall()
        self.connection.commit()
        return [tuple(row) for row in rows]

    def has_table(self, table: str) -> bool:
        """Return whether a table can be read."""
        try:
            self.query(f"select 1 from {table} where 1 = 0")
        except self.errors:
            self.connection.rollback()
            return False
        return True

    def create_table(self, table: str, definition: str) -> None:
        """Create a table by its definition in schemas/."""
        self.transact(self.read_definition(table, definition), 0)

    def open(self) -> None:
        """Connect; create the tables if they do not exist, and a temporary one for a batch."""
        super().open()
        # with the types and widths of the table
        columns = ", ".join(
            "1 = 0 as is_retracted" if column == "is_retracted" else column for column in COLUMNS
        )
        self.execute(
            f"create temporary table {self.staged} as select {columns} from {self.table} "
            "where 1 = 0"
        )
        self.connection.commit()

    def transact(self, statements: list[str], batch: int) -> None:
        """Execute all statements or none."""
        try:
            for statement in statements:
                self.execute(statement)
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()

    def execute(self, statement: str, values: Sequence[object] | None = None) -> None:
        """Execute a statement."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
