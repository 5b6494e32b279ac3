"""Warehouses for tests: a real PostgreSQL, and emulators of BigQuery and Snowflake.

Each is a context manager that takes a folder for all its files, and gives {variable of the
environment: value}, with which its client, or dbt, finds it.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from support.kafka.ports import free_ports
from support.optional import find_postgres, need
from support.project import ROOT

BQEMULATOR = ROOT / ".venv-bqemulator" / "bin"
FAKESNOW = ROOT / ".venv-fakesnow" / "bin"
PROJECT = "dwell-test"
# the user without privileges that Debian and others have; PostgreSQL refuses to run as root
UNPRIVILEGED = pwd.getpwuid(65534).pw_name

# bqemulator loads DuckDB's extensions from HOME, and would download them if they are not there
PUT_EXTENSIONS = """
import importlib.metadata, duckdb
connection = duckdb.connect()
for name in ("spatial", "avro"):
    files = importlib.metadata.distribution("duckdb-extension-" + name).files
    (path,) = [f.locate() for f in files if str(f).endswith(".duckdb_extension")]
    connection.execute(f"install '{path}'")
"""


@contextlib.contextmanager
def running_postgres(folder):
    """Run a PostgreSQL cluster of its own, whose one user has the password `secret`."""
    need("postgres")
    programs = find_postgres()
    home, port = Path(folder) / "postgres", free_ports()
    as_user = {}
    if os.geteuid() == 0:
        # it refuses to run as root, and pytest lets no other user into its folders
        home = Path(tempfile.mkdtemp(prefix="dwell-postgres-"))
        shutil.chown(home, UNPRIVILEGED, "nogroup")
        as_user = {"user": UNPRIVILEGED, "group": "nogroup", "extra_groups": []}
    home.mkdir(parents=True, exist_ok=True)
    password = home / "password"
    password.write_text("secret")
    password.chmod(0o644)

    def run(program, *arguments):
        subprocess.run(
            [programs / program, *arguments],
            check=True,
            capture_output=True,
            cwd="/",
            **as_user,
        )

    run(
        *("initdb", "-D", home / "data", "-U", "dwell", "-E", "UTF8", "--no-locale"),
        *("--auth=md5", f"--pwfile={password}", "--no-sync"),
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    run("pg_ctl", "-D", home / "data", "-w", "-o", options, "-l", home / "log", "start")
    try:
        yield {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(port),
            "PGUSER": "dwell",
            "PGPASSWORD": "secret",
            "PGDATABASE": "postgres",
        }
    finally:
        run("pg_ctl", "-D", home / "data", "-m", "immediate", "stop")
        shutil.rmtree(home)


@contextlib.contextmanager
def running_bigquery(folder):
    """Run bqemulator; its project is `dwell-test`, and it asks for no credentials."""
    need("emulators")
    home = Path(folder) / "bigquery"
    home.mkdir(parents=True)
    environment = os.environ | {"HOME": str(home)}
    subprocess.run([BQEMULATOR / "python", "-c", PUT_EXTENSIONS], check=True, env=environment)
    port = free_ports()
    command = [BQEMULATOR / "bqemulator", "start", "--ephemeral", "--project", PROJECT]
    command += ["--rest-port", str(port), "--grpc-port", str(port + 1)]
    with server(command, home, environment, port):
        yield {
            "BIGQUERY_EMULATOR_HOST": f"http://127.0.0.1:{port}",
            "GOOGLE_CLOUD_PROJECT": PROJECT,
        }


@contextlib.contextmanager
def running_snowflake(folder, script=None):
    """Run fakesnow, or a script that does; any name and password will do."""
    need("emulators")
    home = Path(folder) / "snowflake"
    home.mkdir(parents=True)
    port = free_ports()
    command = [FAKESNOW / "fakesnow", "--server", "--port", str(port)]
    if script:
        command = [FAKESNOW / "python", script, str(port)]
    with server(command, home, os.environ.copy(), port):
        yield {
            "SNOWFLAKE_HOST": "127.0.0.1",
            "SNOWFLAKE_PORT": str(port),
            "SNOWFLAKE_PROTOCOL": "http",
            "SNOWFLAKE_ACCOUNT": "fakesnow",
            "SNOWFLAKE_USER": "dwell",
            "SNOWFLAKE_PASSWORD": "secret",
            "SNOWFLAKE_DATABASE": "DWELL",
            "SNOWFLAKE_SCHEMA": "PUBLIC",
        }


@contextlib.contextmanager
def server(command, home, environment, port):
    """Run a program until the end; begin once it answers HTTP."""
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, cwd=home, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 120
        while not answers(port):
            log_text = (home / "log").read_text()
            assert process.poll() is None and time.monotonic() < deadline, log_text
            time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(port):
    """Return whether a server answers, with any response."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
