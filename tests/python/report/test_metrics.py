"""The metrics of models/semantic, queried by MetricFlow, equal the marts."""

from types import SimpleNamespace

import pytest
from dbt.contracts.graph.semantic_manifest import SemanticManifest
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import (
    parse_manifest_from_dbt_generated_manifest,
)
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup
from support.project import Project


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    sample = Project(tmp_path_factory.mktemp("sample"))
    sample.run("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    return sample


@pytest.fixture(scope="module")
def metrics(sample):
    """Return a way to ask for metrics: rows as MetricFlow's SQL gives them."""
    file = sample.folder / "semantic_manifest.json"
    SemanticManifest(sample.manifest()).write_json_to_file(str(file))
    engine = MetricFlowEngine(
        SemanticManifestLookup(parse_manifest_from_dbt_generated_manifest(file.read_text())),
        # its SQL is run here, so that no more of a client is needed
        SimpleNamespace(
            sql_engine_type=SqlEngine.DUCKDB, sql_plan_renderer=DuckDbSqlPlanRenderer()
        ),
    )

    def ask(*names, by=()):
        request = MetricFlowQueryRequest.create(metric_names=names, group_by_names=by or None)
        return sorted(sample.rows(engine.explain(request).sql_statement.sql))

    return ask


def test_the_metrics_of_sessions_are_those_of_the_summary(sample, metrics):
    names = ("sessions", "session_events", "events_per_session")
    assert metrics(*names) == sample.rows(
        "select sessions, events, mean_events from session_summary"
    )
    (asked,) = metrics("mean_session_seconds", "median_session_seconds")
    assert asked == pytest.approx(
        sample.row("select mean_duration_seconds, median_duration_seconds from session_summary")
    )


def test_active_users_of_a_day_are_those_with_a_session_on_it(sample, metrics):
    assert metrics("active_users", "sessions", by=["metric_time__day"]) == sample.rows(
        "select session_date::timestamp, count(*), sum(sessions)::bigint from user_daily_sessions "
        "group by all order by all"
    )


def test_watch_time_and_viewers_of_a_day_are_those_of_the_marts(sample, metrics):
    asked = metrics("watch_seconds", "viewers", by=["metric_time__day"])
    expected = sample.rows(
        "select watch_date::timestamp, watched_seconds, viewers from daily_watch_time order by all"
    )
    assert [row[::2] for row in asked] == [row[::2] for row in expected]
    assert [row[1] for row in asked] == pytest.approx([row[1] for row in expected])


def test_peak_concurrency_is_the_most_streams_of_any_minute(sample, metrics):
    assert metrics("peak_concurrency") == sample.rows(
        "select streams from watch_concurrency where is_peak limit 1"
    )
    assert metrics("peak_concurrency", by=["metric_time__day"]) == sample.rows(
        "select date_trunc('day', minute_at), max(streams) from watch_concurrency "
        "group by all order by all"
    )
