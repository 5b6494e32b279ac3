"""dbt in this process, on a database and input of a test's own."""

import json
import os
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).parents[2]


class Project:
    """The project of this checkout with settings and a database of its own.

    Settings are fixed for its life, so that it is parsed once. `database` may be changed between
    runs, but not its file name, which compiled SQL knows as the catalog.
    """

    def __init__(self, folder: Path, **settings):
        self.folder = folder
        self.database = folder / "dwell.duckdb"
        self.settings = settings
        self._manifest = None

    def run(self, command="run", *arguments, fails=False, full_refresh=False):
        """Run a dbt command; return its results, or, where it is to fail, what it said."""
        # dbt keeps what an ephemeral model was compiled to with the manifest
        for node in self.manifest().nodes.values():
            if node.resource_type != "model":
                continue
            node.compiled = False
            node.extra_ctes_injected = False
            node.extra_ctes = []
        arguments = [*arguments, *(["--full-refresh"] if full_refresh else [])]
        result = self._invoke([command, *arguments], self._manifest)
        said = str(result.exception or "") + "\n".join(
            r.message or "" for r in getattr(result.result, "results", [])
        )
        assert result.success != fails, said or "it should have failed"
        return said if fails else result.result

    def manifest(self):
        """Return what dbt made of the project, parsed once."""
        if self._manifest is None:
            parsed = self._invoke(["parse"])
            assert parsed.success, parsed.exception
            self._manifest = parsed.result
        return self._manifest

    def _invoke(self, arguments, manifest=None):
        os.environ["DWELL_DATABASE"] = str(self.database)
        try:
            return dbtRunner(manifest=manifest).invoke(
                [
                    "--quiet",
                    "--no-print",
                    "--no-write-json",
                    "--no-version-check",
                    *arguments,
                    "--project-dir",
                    str(ROOT),
                    "--profiles-dir",
                    str(ROOT),
                    "--target-path",
                    str(self.folder / "target"),
                    "--log-path",
                    str(self.folder / "logs"),
                    "--vars",
                    json.dumps(self.settings),
                ]
            )
        finally:
            release()

    def rows(self, query):
        """Return what a query gives; FROM table is a query too."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(query).fetchall()

    def row(self, query):
        (row,) = self.rows(query)
        return row


def release():
    """Close the database that dbt's adapter keeps open until its next invocation."""
    with DuckDBConnectionManager._LOCK:
        environment, DuckDBConnectionManager._ENV = DuckDBConnectionManager._ENV, None
        if environment is not None:
            environment.close()


MARTS = (
    "fct_sessions",
    "fct_events",
    "daily_activity",
    "user_daily_sessions",
    "session_summary",
    "product_answers",
    "timeout_gap_histogram",
    "timeout_fit",
    "timeout_sensitivity",
    "rejected_events",
    "event_reconciliation",
)
WATCH_MARTS = (
    "fct_watch_streams",
    "ongoing_watch_streams",
    "daily_watch_time",
    "user_daily_watching",
    "watch_concurrency",
    "rejected_heartbeats",
    "heartbeat_reconciliation",
)
