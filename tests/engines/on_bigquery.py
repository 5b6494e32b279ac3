"""BigQuery's emulator, bqemulator, which is DuckDB behind BigQuery's protocol."""

import io

import pyarrow.parquet
from engine import Engine, variables
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery


class BigQuery(Engine):
    target = "bigquery"
    zone_in_text = "+00"

    def __init__(self, folder, environment):
        super().__init__(folder, environment)
        with variables(environment):
            self.client = bigquery.Client(
                environment["GOOGLE_CLOUD_PROJECT"], credentials=AnonymousCredentials()
            )

    def create_schema(self, schema):
        self.client.create_dataset(schema)

    def drop_schema(self, schema):
        self.client.delete_dataset(schema, delete_contents=True, not_found_ok=True)

    def execute(self, sql):
        self.client.query(sql).result()

    def query(self, sql):
        found = self.client.query(sql).result()
        return [f.name for f in found.schema], [tuple(row.values()) for row in found]

    def load(self, table, rows):
        file = io.BytesIO()
        pyarrow.parquet.write_table(rows, file)
        file.seek(0)
        how = bigquery.LoadJobConfig(
            source_format="PARQUET",
            schema=[
                bigquery.SchemaField(c, "TIMESTAMP" if c == "loaded_at" else "STRING")
                for c in rows.column_names
            ],
        )
        name = f"{self.client.project}.{self.raw}.{table}"
        self.client.load_table_from_file(file, name, job_config=how).result()
