"""After each batch, every mart has the same rows on each engine as on DuckDB.

What DuckDB gives is held to an oracle in tests/python, and here to facts counted elsewhere.
"""

import itertools
import shutil

import pytest
from engine import ENGINES, ROOT, engines
from runs import compare, epochs, in_batches, the_sample, times, typed, with_options


def test_duckdb_gives_what_was_counted_elsewhere(expected, real_data):
    *_, incremental, full = expected(in_batches, "real_in_batches")
    compare(full, incremental)
    (columns, (row,)) = full["session_summary"]
    summary = dict(zip(columns, row, strict=True))
    facts = {"events": 48_012, "sessions": 579, "most_events": 1_360, "single_event_sessions": 50}
    assert {name: summary[name] for name in facts} == facts
    assert round(summary["mean_duration_seconds"], 3) == 4_145.303
    # by aw-core, of the same heartbeats
    streams = len(full["fct_watch_streams"][1]) + len(full["ongoing_watch_streams"][1])
    assert streams == 55


def test_the_sample(engine, expected):
    for should, got in zip(expected(the_sample), the_sample(engine), strict=True):
        compare(as_a_seed(should), as_a_seed(got))


def as_a_seed(marts):
    """Return marts without what DuckDB alone knows of a seed.

    Only there do a table's rows have numbers; elsewhere dbt itself reads the CSV, and takes
    blanks for nothing.
    """
    known = dict(marts)
    for mart in ("rejected_events", "rejected_heartbeats"):
        columns, rows = marts[mart]
        position = columns.index("source_row")
        known[mart] = (
            columns,
            [
                tuple(None if i == position or is_blank(v) else v for i, v in enumerate(row))
                for row in rows
            ],
        )
    return known


def is_blank(value):
    return isinstance(value, str) and not value.strip()


@pytest.mark.parametrize(
    "engine", engines(*ENGINES, long=("ducklake", "spark", "snowflake")), indirect=True
)
def test_batches_out_of_order(engine, expected):
    compare_batches(engine, expected, "sample_in_batches")


@pytest.mark.parametrize("engine", engines(*ENGINES, long=ENGINES), indirect=True)
def test_real_batches_out_of_order(engine, expected, real_data):
    compare_batches(engine, expected, "real_in_batches")


def compare_batches(engine, expected, name):
    for should, got in zip(expected(in_batches, name), in_batches(engine, name), strict=True):
        compare(should, got)


@pytest.mark.parametrize(
    "engine", engines(*ENGINES, long=("ducklake", "spark", "snowflake", "bigquery")), indirect=True
)
def test_every_option(engine, expected):
    for should, got in zip(expected(with_options), with_options(engine), strict=True):
        compare(should, got)


# DuckLake's SQL is DuckDB's, and what it makes of a time is held to more in tests/python
NOT_LAKE = [name for name in ENGINES if name != "ducklake"]


@pytest.mark.parametrize("engine", NOT_LAKE, indirect=True)
def test_ways_to_write_a_time(engine, expected):
    compare_runs(engine, expected, times)


@pytest.mark.parametrize(
    "engine", engines(*NOT_LAKE, long=("postgres", "spark", "bigquery")), indirect=True
)
@pytest.mark.parametrize("runs", [epochs, typed])
def test_times_that_are_no_text(engine, expected, runs):
    compare_runs(engine, expected, runs)


def compare_runs(engine, expected, runs):
    for should, got in zip(expected(runs), runs(engine), strict=True):
        compare(should, got)


@pytest.fixture(scope="session")
def without_delete(tmp_path_factory):
    """Return a copy of the project whose incremental runs delete no run that they compute again."""
    copy = tmp_path_factory.mktemp("copy") / "without_delete"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "target", "logs", "*.duckdb*"))
    path = copy / "macros" / "materializations" / "replace_islands.sql"
    begins, text = "{% macro lies_within(stored, recomputed, meta) -%}", path.read_text()
    assert text.count(begins) == 1
    path.write_text(text.replace(begins, begins + "{{ '1 = 0 and ' }}"))
    return copy


# it tests the comparison, for which one engine is enough each time
@pytest.mark.parametrize("name", engines("duckdb", *ENGINES, long=ENGINES))
def test_without_the_delete_it_is_seen(name, expected, without_delete, request):
    engine = request.getfixturevalue(name)
    _, second, *_ = expected(in_batches, "sample_in_batches")
    _, wrong = itertools.islice(in_batches(engine, "sample_in_batches", without_delete), 2)
    for mart in ("fct_events", "fct_sessions", "fct_watch_streams"):
        assert len(wrong[mart][1]) > len(second[mart][1]), f"{mart} has nothing twice"
