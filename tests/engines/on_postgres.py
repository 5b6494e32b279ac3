"""A real PostgreSQL."""

import io

import psycopg2
import pyarrow.csv
from engine import Engine


class Postgres(Engine):
    target = "postgres"

    def connect(self):
        # libpq's own variables name the server
        return psycopg2.connect(
            host=self.environment["PGHOST"],
            port=self.environment["PGPORT"],
            user=self.environment["PGUSER"],
            password=self.environment["PGPASSWORD"],
            dbname=self.environment["PGDATABASE"],
        )

    def execute(self, sql):
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql)
        connection.close()

    def query(self, sql):
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            found = [d.name for d in cursor.description], cursor.fetchall()
        connection.close()
        return found

    def load(self, table, rows):
        types = ("timestamp" if c == "loaded_at" else "text" for c in rows.column_names)
        columns = ", ".join(f"{c} {t}" for c, t in zip(rows.column_names, types, strict=True))
        self.execute(f"create table if not exists {self.raw}.{table} ({columns})")
        text = io.BytesIO()
        # quotes texts, and leaves nulls bare
        pyarrow.csv.write_csv(rows, text)
        text.seek(0)
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.copy_expert(f"copy {self.raw}.{table} from stdin (format csv, header)", text)
        connection.close()
