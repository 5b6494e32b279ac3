"""A warehouse without a server, which records every statement that it is to execute."""

import pytest

SHARD_OF_OTHERS = "others"


class Written:
    """Overrides the methods of a warehouse's class that need a server."""

    def connect(self):
        """There is no server."""

    def has_table(self, table):
        return True

    def create_table(self, table, definition):
        raise AssertionError(f"{table} exists")

    def stage(self, records):
        pass

    def transact(self, statements, batch):
        self.statements += statements

    def query(self, sql):
        self.statements.append(sql)
        if "select distinct shard" in sql:
            return [(SHARD_OF_OTHERS,)]
        return [(0, 0, 0)] if "sum(inserted)" in sql else []


def written_as(kind, table, mode):
    """Return a warehouse of a kind, which records what that kind executes."""
    module = pytest.importorskip(f"dwell.warehouses.{kind}", reason="make warehouses")
    written = type("WrittenAs", (Written, module.WAREHOUSE), {})(table, mode)
    written.statements = []
    return written
