"""Tables in warehouses for tests of dwell load, read by the warehouses' own clients."""

import contextlib
import itertools
import os
import re
import subprocess
import sys
from datetime import datetime

from support.optional import need
from support.project import ROOT
from support.warehouses import redshift_proxy
from support.warehouses.emulators import running_bigquery, running_postgres, running_snowflake

from dwell.warehouses.base import SCHEMAS

KINDS = ("postgres", "bigquery", "snowflake", "redshift")
numbers = itertools.count(1)


class Target:
    """A warehouse of a kind, with the environment of its client."""

    def __init__(self, kind, environment, query):
        self.kind, self.environment, self.query = kind, environment, query
        self.folder = "dwell." if kind == "bigquery" else ""

    def table(self, name="watch_streams"):
        """Return the name of a table that no other test uses."""
        table = f"{self.folder}{name}_{next(numbers)}"
        if self.kind == "redshift":
            self.create(name, table)
        return table

    def create(self, name, table):
        """Create Redshift's tables as PostgreSQL can: without distribution and sort keys."""
        for file, made in ((name, table), ("watch_streams_loads", f"{table}_loads")):
            definition = (SCHEMAS / "redshift" / f"{file}.sql").read_text()
            definition = re.sub(r"\n(distkey|sortkey|diststyle) [^;\n]*", "", definition)
            definition = definition.replace("varchar(65535)", "varchar")
            self.query(re.sub(rf"\b{file}\b", made, definition))

    def rows(self, sql):
        """Return sorted rows; times have no zone."""
        return sorted(
            tuple(v.replace(tzinfo=None) if isinstance(v, datetime) else v for v in row)
            for row in self.query(sql)
        )


@contextlib.contextmanager
def running(kind, folder):
    """Run the server of a kind of warehouse, or its emulator."""
    need("warehouses")
    with SERVERS[kind](folder) as target:
        yield target


@contextlib.contextmanager
def postgres(folder):
    with running_postgres(folder) as environment:
        yield Target("postgres", environment, by_psycopg(environment))


@contextlib.contextmanager
def redshift(folder):
    """PostgreSQL behind a proxy, with Redshift's client."""
    with running_postgres(folder) as environment:
        query = by_psycopg(environment)
        query(
            "set password_encryption = 'md5'; "
            "create role redshift superuser login password 's3cret'"
        )
        # PostgreSQL has no distribution keys, so the tables are created without them beforehand
        yield Target(
            "redshift",
            {
                "REDSHIFT_HOST": "127.0.0.1",
                "REDSHIFT_PORT": str(redshift_proxy.start(int(environment["PGPORT"]))),
                "REDSHIFT_DATABASE": "postgres",
                "REDSHIFT_USER": "redshift",
                "REDSHIFT_PASSWORD": "s3cret",
                "REDSHIFT_SSL": "false",
            },
            query,
        )


def by_psycopg(environment):
    import psycopg

    def query(sql):
        with psycopg.connect(
            host=environment["PGHOST"],
            port=environment["PGPORT"],
            user=environment["PGUSER"],
            password=environment["PGPASSWORD"],
            dbname=environment["PGDATABASE"],
        ) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    return query


@contextlib.contextmanager
def bigquery(folder):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery as google

    with running_bigquery(folder) as environment:
        client = google.Client(
            project=environment["GOOGLE_CLOUD_PROJECT"],
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": environment["BIGQUERY_EMULATOR_HOST"]},
        )
        client.create_dataset("dwell")
        yield Target(
            "bigquery",
            environment,
            lambda sql: [row.values() for row in client.query(sql).result()],
        )


@contextlib.contextmanager
def snowflake(folder):
    import snowflake.connector

    with running_snowflake(folder) as environment:
        given = {name[len("SNOWFLAKE_") :].lower(): v for name, v in environment.items()}
        with snowflake.connector.connect(**given) as connection:
            yield Target(
                "snowflake",
                environment,
                lambda sql: connection.cursor().execute(sql).fetchall(),
            )


SERVERS = {
    "postgres": postgres,
    "bigquery": bigquery,
    "snowflake": snowflake,
    "redshift": redshift,
}


def dwell(*arguments, target=None, database, script="-m dwell", **more):
    """Run dwell in a process of its own; return (exit code, output)."""
    environment = os.environ | {"DWELL_DATABASE": str(database)}
    environment |= (target.environment if target else {}) | more
    done = subprocess.run(
        [sys.executable, *script.split(), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr
