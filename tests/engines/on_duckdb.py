"""DuckDB in a file, and DuckLake with its catalog in PostgreSQL."""

import functools

import duckdb
from engine import Engine


class DuckDB(Engine):
    """Each test has a file of its own."""

    target = "duckdb"

    def begin(self, name):
        self.environment = {"DWELL_DATABASE": str(self.folder / name / "dwell.duckdb")}
        (self.folder / name).mkdir()
        super().begin(name)

    def name(self, mart):
        return mart

    def connect(self):
        return duckdb.connect(self.environment["DWELL_DATABASE"])

    def execute(self, sql):
        with self.connect() as connection:
            connection.execute(sql)

    def query(self, sql):
        with self.connect() as connection:
            found = connection.execute(sql)
            return [d[0] for d in found.description], found.fetchall()

    def load(self, table, rows):
        with self.connect() as connection:
            connection.register("rows", rows)
            connection.execute(
                f"create table if not exists {self.raw}.{table} as from rows limit 0"
            )
            connection.execute(f"insert into {self.raw}.{table} from rows")


class DuckLake(DuckDB):
    """Parquet files in a folder, and a PostgreSQL that knows them."""

    target = "ducklake"

    def begin(self, name):
        Engine.begin(self, name)

    def name(self, mart):
        return Engine.name(self, mart)

    @functools.cached_property
    def connection(self):
        """One connection for all: to attach takes a second. It sees what others have committed."""
        connection = duckdb.connect()
        connection.execute("load ducklake; load postgres_scanner")
        where = " ".join(
            f"{option}={self.environment[variable]}"
            for option, variable in (
                ("host", "PGHOST"),
                ("port", "PGPORT"),
                ("user", "PGUSER"),
                ("password", "PGPASSWORD"),
                ("dbname", "PGDATABASE"),
            )
        )
        connection.execute(
            f"attach 'ducklake:postgres:{where}' as lake"
            f" (data_path '{self.environment['DWELL_LAKE']}')"
        )
        return connection

    def connect(self):
        cursor = self.connection.cursor()
        cursor.execute("use lake")
        return cursor
