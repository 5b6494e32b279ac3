"""After each batch, every mart has the same rows on each engine as on DuckDB.

What DuckDB gives is held to an oracle in tests/python, and here to facts that were counted elsewhere.
"""

import itertools
import shutil

import batches
import pytest
from compare import differences
from engine import ENGINES, ROOT
from project import MARTS, WATCH_MARTS

BY_LOAD_TIME = {"events_loaded_at": "loaded_at", "heartbeats_loaded_at": "loaded_at"}


def every_mart(engine):
    """Return {mart: (columns, rows)}."""
    return {mart: engine.rows(mart) for mart in (*MARTS, *WATCH_MARTS)}


def compare(expected, got):
    told = [line for mart in expected for line in differences(mart, expected[mart], got[mart])]
    assert not told, "\n".join(told[:30])


def the_sample(engine):
    """Run the sample, in one piece."""
    engine.begin("sample")
    engine.dbt("seed")
    engine.dbt("run")
    yield every_mart(engine)


def in_batches(engine, name, project=ROOT):
    """Load and run batch by batch, and then anew; yield every mart after each run."""
    engine.begin(name if project == ROOT else f"{name}_of_{project.name}")
    settings = {f"{t}_relation": f"{engine.raw}.{t}" for t in ("events", "heartbeats")}
    settings |= BY_LOAD_TIME
    for batch in getattr(batches, name)():
        for table, rows in batch.items():
            engine.load(table, rows)
        engine.dbt("run", project=project, **settings)
        yield every_mart(engine)
    engine.dbt("run", "--full-refresh", project=project, **settings)
    yield every_mart(engine)


@pytest.fixture(scope="session")
def expected(duckdb):
    """Return a way to know what DuckDB gives, run by run."""
    known = {}

    def marts(runs, *arguments):
        if (runs, *arguments) not in known:
            known[runs, *arguments] = list(runs(duckdb, *arguments))
        return known[runs, *arguments]

    return marts


def test_duckdb_gives_what_was_counted_elsewhere(expected, real_data):
    *_, incremental, anew = expected(in_batches, "real_in_batches")
    compare(anew, incremental)
    (columns, (row,)) = anew["session_summary"]
    summary = dict(zip(columns, row, strict=True))
    facts = {"events": 48_012, "sessions": 579, "most_events": 1_360, "single_event_sessions": 50}
    assert {name: summary[name] for name in facts} == facts
    assert round(summary["mean_duration_seconds"], 3) == 4_145.303
    # by aw-core, of the same heartbeats
    streams = len(anew["fct_watch_streams"][1]) + len(anew["ongoing_watch_streams"][1])
    assert streams == 55


def test_the_sample(engine, expected):
    for should, got in zip(expected(the_sample), the_sample(engine), strict=True):
        compare(as_a_seed(should), as_a_seed(got))


def as_a_seed(marts):
    """Return marts without what DuckDB alone knows of a seed.

    Only there do a table's rows have places; elsewhere dbt itself reads the CSV, and takes blanks for
    nothing.
    """
    known = dict(marts)
    for mart in ("rejected_events", "rejected_heartbeats"):
        columns, rows = marts[mart]
        place = columns.index("source_row")
        known[mart] = columns, [
            tuple(None if i == place or is_blank(v) else v for i, v in enumerate(row))
            for row in rows
        ]
    return known


def is_blank(value):
    return isinstance(value, str) and not value.strip()


@pytest.mark.parametrize("name", ["sample_in_batches", "real_in_batches"])
def test_batches_out_of_order(engine, expected, name, request):
    if name.startswith("real"):
        request.getfixturevalue("real_data")
    for should, got in zip(expected(in_batches, name), in_batches(engine, name), strict=True):
        compare(should, got)


@pytest.fixture(scope="session")
def without_delete(tmp_path_factory):
    """Return a copy of the project whose incremental runs delete no run that they compute again."""
    copy = tmp_path_factory.mktemp("copy") / "without_delete"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "target", "logs", "*.duckdb*"))
    path = copy / "macros" / "rule" / "replace_touched_runs.sql"
    begins, text = "{% macro lies_within(stored, recomputed, meta) -%}", path.read_text()
    assert text.count(begins) == 1
    path.write_text(text.replace(begins, begins + "{{ '1 = 0 and ' }}"))
    return copy


@pytest.mark.parametrize("name", ["duckdb", *ENGINES])
def test_without_the_delete_it_is_seen(name, expected, without_delete, request):
    engine = request.getfixturevalue(name)
    _, second, *_ = expected(in_batches, "sample_in_batches")
    _, wrong = itertools.islice(in_batches(engine, "sample_in_batches", without_delete), 2)
    for mart in ("fct_events", "fct_sessions", "fct_watch_streams"):
        assert len(wrong[mart][1]) > len(second[mart][1]), f"{mart} has nothing twice"
