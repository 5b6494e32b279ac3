"""Snowflake's emulator, fakesnow, which is DuckDB behind Snowflake's protocol."""

from datetime import datetime

import snowflake.connector
from engine import Engine
from snowflake.connector.constants import FIELD_ID_TO_NAME

TIMES = ("TIMESTAMP", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ")


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
        """As text where it is a time: a time that is null comes out of the emulator as 1970."""
        with self.connect() as connection:
            described = connection.cursor().describe(sql)
            times = [i for i, d in enumerate(described) if FIELD_ID_TO_NAME[d.type_code] in TIMES]
            columns = [
                f'to_varchar("{d.name}")' if i in times else f'"{d.name}"'
                for i, d in enumerate(described)
            ]
            rows = connection.cursor().execute(f"select {', '.join(columns)} from ({sql}) as q")
            return [d.name for d in described], [
                tuple(
                    datetime.fromisoformat(v) if i in times and v is not None else v
                    for i, v in enumerate(row)
                )
                for row in rows
            ]

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
