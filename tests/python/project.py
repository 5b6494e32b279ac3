"""dbt in this process, on a database and input of a test's own."""

from pathlib import Path

import duckdb

from dwell.dbt import ROOT, Dbt, release

__all__ = ["MARTS", "ROOT", "WATCH_MARTS", "Project", "release"]


class Project(Dbt):
    """The project of this checkout, whose runs must go well, or must not."""

    def __init__(self, folder: Path, **settings):
        super().__init__(folder / "dwell.duckdb", folder, settings)
        self.folder = folder

    def run(self, command="run", *arguments, fails=False, full_refresh=False):
        """Run a dbt command; return its results, or, where it is to fail, what it said."""
        result = super().run(command, *arguments, *(["--full-refresh"] if full_refresh else []))
        said = str(result.exception or "") + "\n".join(
            r.message or "" for r in getattr(result.result, "results", [])
        )
        assert result.success != fails, said or "it should have failed"
        return said if fails else result.result

    def rows(self, query):
        """Return what a query gives; FROM table is a query too."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(query).fetchall()

    def row(self, query):
        (row,) = self.rows(query)
        return row


MARTS = (
    "fct_sessions",
    "fct_events",
    "daily_activity",
    "user_daily_sessions",
    "session_summary",
    "session_lengths",
    "session_sizes",
    "event_names",
    "product_answers",
    "timeout_gap_histogram",
    "timeout_fit",
    "timeout_fit_curve",
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
    "stream_lengths",
    "rejected_heartbeats",
    "heartbeat_reconciliation",
)
