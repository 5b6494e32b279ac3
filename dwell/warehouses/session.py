"""What warehouses have in common whose transaction is several requests of one connection."""

from dwell.publishing.records import COLUMNS
from dwell.warehouses.base import Warehouse

# columns have no zone; a table that someone made by hand may have some that do
SET_UTC = "set timezone to 'UTC'"


class Session(Warehouse):
    """A connection that has `cursor`, `commit` and `rollback`, as Python's DB API says."""

    connection = None

    def query(self, sql):
        """Return the rows of a query."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            rows = cursor.fetchall()
        self.connection.commit()
        return [tuple(row) for row in rows]

    def is_there(self, table):
        """Whether it can be read."""
        try:
            self.query(f"select 1 from {table} where 1 = 0")
        except self.errors:
            self.connection.rollback()
            return False
        return True

    def create(self, table, definition):
        """Create a table by its definition in schemas/."""
        self.transact(self.definition(table, definition), 0)

    def open(self):
        """Connect; make the tables if they are not there, and one of this session's own."""
        super().open()
        # as the table has them, and so wide
        columns = ", ".join(
            "1 = 0 as is_retracted" if column == "is_retracted" else column for column in COLUMNS
        )
        self.do(
            f"create temporary table {self.staged} as select {columns} from {self.table} "
            "where 1 = 0"
        )
        self.connection.commit()

    def transact(self, statements, batch):
        """Do all statements, or none."""
        try:
            for statement in statements:
                self.do(statement)
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()

    def do(self, statement, values=None):
        """Do a statement."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
