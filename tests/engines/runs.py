"""Runs of dbt on an engine, and what every mart has after each."""

import batches
from compare import differences
from engine import ROOT
from support.project import MARTS, WATCH_MARTS


def by_load_time(engine):
    """Return settings by which an engine reads what is loaded."""
    return {
        f"{table}_{setting}": value
        for table in ("events", "heartbeats")
        for setting, value in (("relation", f"{engine.raw}.{table}"), ("loaded_at", "loaded_at"))
    }


def every_mart(engine):
    """Return {mart: (columns, rows)}; the schema that was read is called `raw` in them."""
    marts = {}
    for mart in (*MARTS, *WATCH_MARTS):
        columns, rows = engine.rows(mart)
        marts[mart] = columns, [tuple(without_schema(engine, v) for v in row) for row in rows]
    return marts


def without_schema(engine, value):
    return value.replace(f"{engine.raw}.", "raw.") if isinstance(value, str) else value


def without_zone(engine, mart):
    columns, rows = mart
    cut = {i for i, column in enumerate(columns) if column in ("event_time", "start_time")}
    return columns, [
        tuple(
            v.removesuffix(engine.zone_in_text) if i in cut and isinstance(v, str) else v
            for i, v in enumerate(row)
        )
        for row in rows
    ]


def compare(expected, got):
    found = [line for mart in expected for line in differences(mart, expected[mart], got[mart])]
    assert not found, "\n".join(found[:30])


def the_sample(engine):
    """Build the sample, in one piece, with the tests of its data and those of the rule."""
    engine.begin("sample")
    engine.dbt("build")
    yield every_mart(engine)


def in_batches(engine, name, project=ROOT):
    """Load and run each batch, and then a full refresh; yield every mart after each run."""
    engine.begin(name if project == ROOT else f"{name}_of_{project.name}")
    settings = by_load_time(engine)
    for batch in getattr(batches, name)():
        load(engine, batch)
        engine.dbt("run", project=project, **settings)
        yield every_mart(engine)
    engine.dbt("run", "--full-refresh", project=project, **settings)
    yield every_mart(engine)


def load(engine, batch):
    for table, rows in batch.items():
        engine.load(table, rows)


# every option of the rules, none as it is by default
OPTIONS = {
    "session_timeout_minutes": 20.5,
    "session_key": ["user_id"],
    "session_max_hours": 0.1,
    "session_split_at_midnight": True,
    "session_start_events": ["app_open"],
    "ignored_events": ["heartbeat_ping"],
    "drop_exact_duplicates": False,
    "future_tolerance_minutes": 0,
    "watch_timeout_seconds": 30.5,
    "watch_as_of": "2025-03-12T19:14:00Z",
    # its offset changes by half an hour
    "reporting_timezone": "Australia/Lord_Howe",
}


def with_options(engine):
    """Run two batches of the sample under other options; yield every mart after each run."""
    engine.begin("options")
    for batch in batches.sample_in_batches()[:2]:
        load(engine, batch)
        engine.dbt("run", **by_load_time(engine), **OPTIONS)
        yield every_mart(engine)


def times(engine):
    """Run events and heartbeats whose times are written in many ways; yield every mart."""
    engine.begin("times")
    load(engine, batches.times())
    engine.dbt("run", **by_load_time(engine), source_timezone="Europe/Berlin", max_rejected_ratio=1)
    yield every_mart(engine)


def epochs(engine):
    """Run events and heartbeats whose times are numbers; yield every mart."""
    engine.begin("epochs")
    load(engine, batches.epochs())
    formats = {f"{name}_time_format": "epoch_milliseconds" for name in ("event", "heartbeats")}
    engine.dbt("run", **by_load_time(engine), **formats, max_rejected_ratio=1)
    yield every_mart(engine)


def typed(engine):
    """Run events alone, and heartbeats alone, whose times are of the engine's own type.

    They are those of load, for want of others.
    """
    columns = {
        "events": {"event_time": "loaded_at"},
        "heartbeats": {"event_time": "loaded_at", "start_time": "loaded_at"},
    }
    for table, named in columns.items():
        engine.begin(f"typed_{table}")
        load(engine, batches.sample_in_batches()[0])
        settings = by_load_time(engine)
        of_this = {name: value for name, value in settings.items() if name.startswith(table)}
        engine.dbt("run", **of_this, **{f"{table}_columns": named})
        yield {mart: without_zone(engine, rows) for mart, rows in every_mart(engine).items()}
