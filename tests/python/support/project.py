"""dbt in this process, on a database and input of a test's own."""

import json
import os
from pathlib import Path

import duckdb
from dbt.tracking import track_behavior_change_warn
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import ctx_set_event_manager
from dbt_common.tests import enable_test_caching

from dwell.config import ROOT
from dwell.dbt.runner import Dbt, release

__all__ = ["MARTS", "ROOT", "WATCH_MARTS", "Project", "release"]


class Project(Dbt):
    """The project of this checkout, whose runs must go well, or must not."""

    def __init__(self, folder: Path, **settings):
        super().__init__(folder / "dwell.duckdb", folder, settings)
        self.folder = folder

    def manifest(self):
        """Return what dbt made of the project, parsed once for all tests with like settings."""
        if self._manifest is None:
            key = parsed_alike(self.settings)
            if key not in MANIFESTS:
                MANIFESTS[key] = super().manifest()
            self._manifest = MANIFESTS[key]
        return self._manifest

    def run(self, command="run", *arguments, fails=False, full_refresh=False):
        """Run a dbt command; return its results, or, where it is to fail, its error."""
        result = super().run(command, *arguments, *(["--full-refresh"] if full_refresh else []))
        error = str(result.exception or "") + "\n".join(
            r.message or "" for r in getattr(result.result, "results", [])
        )
        assert result.success != fails, error or "it should have failed"
        return error if fails else result.result

    def rows(self, query):
        """Return what a query gives; FROM table is a query too."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(query).fetchall()

    def row(self, query):
        (row,) = self.rows(query)
        return row


# dbt's own way to parse a project many times in one process
enable_test_caching()


class Events(EventManager):
    """dbt's events without those for its log alone, which take a quarter of a run's time."""

    keeps_log = False

    def fire_event(self, e, level=None, *more, **named):
        is_for_the_log = (level or e.level_tag()) == EventLevel.DEBUG
        # dbt itself listens for one event, which is no debug event
        is_awaited = any(c is not track_behavior_change_warn for c in self.callbacks)
        if self.keeps_log or is_awaited or not is_for_the_log:
            super().fire_event(e, level, *more, **named)


def keep_log(monkeypatch):
    """Let dbt write its complete log."""
    monkeypatch.setattr(Events, "keeps_log", True)


ctx_set_event_manager(Events())


# what dbt made of the project, by what it was parsed with
MANIFESTS = {}


def parsed_alike(settings):
    """Return a key that is equal where models are parsed alike.

    While it is parsed, a model asks where its input is. Other settings only change SQL,
    which each run renders again.
    """
    inputs = {
        name: "a path" if name.endswith("_path") and isinstance(value, (str, list)) else value
        for name, value in settings.items()
        if name.endswith(("_path", "_relation")) and value
    }
    environment = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("DWELL_", "DBT_")) and name != "DWELL_DATABASE"
    }
    return json.dumps([inputs, environment], sort_keys=True, default=repr)


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
