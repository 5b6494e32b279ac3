"""Every statement that dbt sends to BigQuery is right by Google's own analyzer.

The emulator, which answers them, is DuckDB, and takes much that BigQuery refuses.
"""

import csv
import re

import batches
import pytest
from analyzer import COMMENTS, Statements
from engine import ROOT
from runs import by_load_time


@pytest.fixture(scope="module")
def sent(bigquery):
    """Return (tables that were there before, [(model, script)]) of runs of all kinds."""
    found = []

    def listen(event):
        if event.info.name == "SQLQuery":
            found.append((event.data.conn_name, event.data.sql))

    bigquery.begin("analyzed_sample")
    # dbt loads a seed without SQL
    known = {
        f"{bigquery.schema}.{path.stem}": csv.DictReader(path.open()).fieldnames
        for path in (ROOT / "seeds").glob("*.csv")
    }
    bigquery.listen = listen
    try:
        bigquery.dbt("seed")
        bigquery.dbt("run")
        bigquery.begin("analyzed")
        for table, columns in (("events", batches.EVENTS), ("heartbeats", batches.HEARTBEATS)):
            known[f"{bigquery.raw}.{table}"] = [*columns, "loaded_at"]
        for batch in batches.sample_in_batches()[:2]:
            for table, rows in batch.items():
                bigquery.load(table, rows)
            bigquery.dbt("run", **by_load_time(bigquery))
        bigquery.dbt("run", "--full-refresh", **by_load_time(bigquery))
    finally:
        bigquery.listen = None
    return known, found


def test_every_statement_is_right(sent):
    known, scripts = sent
    statements = Statements(known)
    wrong = {}
    for model, script in scripts:
        error = statements.analyze(script)
        # errors that follow from another are not reported
        if error and not ("not found" in error and wrong):
            wrong[f"{model}: {error}"] = script
    assert not wrong, "\n".join(f"{error}\n{script}" for error, script in wrong.items())
    # the answers' sentences, once a run
    assert statements.unread <= 4
    # all kinds that there should be were met
    assert statements.kinds >= {
        *("CreateTable", "CreateTableAsSelect", "CreateView"),
        *("Insert", "Delete", "Merge", "Query"),
    }


def test_no_result_depends_on_the_default_time_zone(sent):
    """A project can set one, which the emulator does not know.

    A time column is called *_at. As text, a time has its offset, so that any zone will do.
    """
    _, scripts = sent
    for model, script in scripts:
        text = re.sub(COMMENTS, "", script).lower()
        for literal in re.findall(r"\btimestamp\s+'([^']*)'", text):
            assert literal.endswith(("z", "+00")), (model, literal)
        zoneless = re.findall(r"\b(?:date|datetime|time|extract)\(\s*[a-z_.]+_at\s*\)", text)
        zoneless += re.findall(r"\bcast\(\s*[a-z_.]+_at\s+as\s+(?:date|datetime|time)\b", text)
        assert not zoneless, (model, zoneless)


@pytest.mark.parametrize(
    "wrong",
    [
        "select viewer = 1 from raw.t",
        "select nosuch from raw.t",
        "select epoch_us(loaded_at) from raw.t",
        "select n::string from raw.t",
        "select n from raw.t union all select loaded_at from raw.t",
        "select viewer, n from raw.t group by viewer",
        "select loaded_at < date '2026-01-01' from raw.t",
        "select timestamp_diff(loaded_at, loaded_at, month) from raw.t",
        "delete from raw.t",
        "create table raw.u as select 1 as a; select b from raw.u",
    ],
)
def test_the_analyzer_refuses_what_bigquery_would(wrong):
    statements = Statements({"raw.t": ["viewer", "n", "loaded_at"]})
    quoted = wrong.replace("raw.t", "`p`.`raw`.`t`").replace("raw.u", "`p`.`raw`.`u`")
    assert statements.analyze(quoted)
