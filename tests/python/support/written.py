"""A warehouse that answers nothing, and writes down every statement that it is asked."""

import pytest

SHARD_OF_OTHERS = "others"


class Written:
    """Goes before a warehouse's own class."""

    def connect(self):
        """Nothing is there to connect with."""

    def is_there(self, table):
        return True

    def create(self, table, definition):
        raise AssertionError(f"{table} is there")

    def stage(self, records):
        pass

    def transact(self, statements, batch):
        self.asked += statements

    def query(self, sql):
        self.asked.append(sql)
        if "select distinct shard" in sql:
            return [(SHARD_OF_OTHERS,)]
        return [(0, 0, 0)] if "sum(inserted)" in sql else []


def written_as(kind, table, mode):
    """Return one that asks as a kind of warehouse does."""
    module = pytest.importorskip(f"dwell.warehouses.{kind}", reason="make warehouses")
    written = type("WrittenAs", (Written, module.WAREHOUSE), {})(table, mode)
    written.asked = []
    return written
