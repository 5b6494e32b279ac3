"""Snowflake's emulator, fakesnow, which is DuckDB behind Snowflake's protocol."""

import snowflake.connector
from engine import Engine


class Snowflake(Engine):
    target = "snowflake"

    def connect(self):
        connection = snowflake.connector.connect(
            **{
                name: self.environment[f"SNOWFLAKE_{name.upper()}"]
                for name in ("host", "port", "protocol", "account", "user", "password", "database")
            },
            session_parameters={"TIMEZONE": "UTC"},
        )
        return connection

    def execute(self, sql):
        with self.connect() as connection:
            connection.cursor().execute(sql)

    def query(self, sql):
        with self.connect() as connection:
            cursor = connection.cursor().execute(sql)
            return [d.name for d in cursor.description], cursor.fetchall()

    def load(self, table, rows):
        types = ("timestamp_ntz" if c == "loaded_at" else "text" for c in rows.column_names)
        columns = ", ".join(f"{c} {t}" for c, t in zip(rows.column_names, types, strict=True))
        self.execute(f"create table if not exists {self.raw}.{table} ({columns})")
        marks = ", ".join(["%s"] * rows.num_columns)
        with self.connect() as connection:
            for part in rows.to_batches(max_chunksize=2000):
                connection.cursor().executemany(
                    f"insert into {self.raw}.{table} values ({marks})",
                    [tuple(row.values()) for row in part.to_pylist()],
                )
