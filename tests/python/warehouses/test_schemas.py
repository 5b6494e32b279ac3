"""The tables in schemas/ match the dbt contract, and each statement is SQL of its warehouse."""

import json
import re
import subprocess
from datetime import timedelta

import pytest
import sqlfluff
from support.optional import need
from support.project import ROOT, Project
from support.warehouses.emulators import BQEMULATOR
from support.written import written_as

from dwell.publishing import day_ranges, records
from dwell.warehouses import base
from dwell.warehouses.base import SCHEMAS, TABLES

# {kind: {type of the contract: its type there}}
TYPES = {
    "postgres": {"varchar": "text", "double": "double precision", "timestamp": "timestamp"},
    "redshift": {
        "varchar": "varchar(65535)",
        "double": "double precision",
        "timestamp": "timestamp",
    },
    "snowflake": {"varchar": "varchar", "double": "double", "timestamp": "timestamp_ntz(6)"},
    "bigquery": {
        "varchar": "STRING",
        "double": "FLOAT",
        "timestamp": "TIMESTAMP",
        "bigint": "INTEGER",
        "integer": "INTEGER",
        "boolean": "BOOLEAN",
    },
}
# an MD5 in hexadecimal; Redshift's columns have a length
TYPES_OF_COLUMNS = {
    ("redshift", "stream_id"): "varchar(32)",
    ("redshift", "shard"): "varchar(63)",
}
# what dwell load adds
ADDED = {
    "watch_streams": {"revision": "integer", "shard": "varchar", "loaded_at": "timestamp"},
    "watch_stream_history": {
        "revision": "integer",
        "is_retracted": "boolean",
        "shard": "varchar",
        "loaded_at": "timestamp",
    },
}
COLUMN = re.compile(r"    (\w+) (.+?) not null(?: comment '((?:[^']|'')*)')?,")
COMMENT = r"comment on column {table}\.(\w+) is '((?:[^']|'')*)';"


def columns_of(kind, table):
    """[(name, type, is required, description)] of a file."""
    if kind == "bigquery":
        fields = json.loads((SCHEMAS / kind / f"{table}.json").read_text())
        return [(f["name"], f["type"], f["mode"] == "REQUIRED", f["description"]) for f in fields]
    text = (SCHEMAS / kind / f"{table}.sql").read_text()
    (body,) = re.findall(rf"create table {table} \(\n(.*?)    primary key", text, re.S)
    found = [COLUMN.fullmatch(line) for line in body.splitlines()]
    assert all(found), body
    comments = dict(re.findall(COMMENT.format(table=table), text))
    return [
        (name, of, True, (comment or comments.get(name, "")).replace("''", "'"))
        for name, of, comment in (match.groups() for match in found)
    ]


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    """[(name, type, is required, description)] of fct_watch_streams."""
    manifest = Project(tmp_path_factory.mktemp("contract")).manifest()
    required = {
        node.column_name
        for node in manifest.nodes.values()
        if node.resource_type == "test"
        and getattr(node, "attached_node", None) == "model.dwell.fct_watch_streams"
        and node.test_metadata.name == "not_null"
    }
    model = manifest.nodes["model.dwell.fct_watch_streams"]
    assert model.contract.enforced
    return [
        (c.name, c.data_type, c.name in required, " ".join(c.description.split()))
        for c in model.columns.values()
    ]


@pytest.mark.parametrize("table", sorted(ADDED))
@pytest.mark.parametrize("kind", sorted(TYPES))
def test_a_table_is_that_of_the_contract(kind, table, contract):
    def type_there(name, of):
        return TYPES_OF_COLUMNS.get((kind, name), TYPES[kind].get(of, of))

    found = columns_of(kind, table)
    expected = [(name, type_there(name, of), must, text) for name, of, must, text in contract]
    assert found[: len(contract)] == expected
    added = found[len(contract) :]
    assert [(name, of) for name, of, *_ in added] == [
        (name, type_there(name, of)) for name, of in ADDED[table].items()
    ]
    assert all(must and text for _, _, must, text in added)


def test_records_have_the_columns_of_the_contract(contract):
    assert [*records.OF_A_STREAM] == [name for name, *_ in contract]
    assert [*records.COLUMNS] == [
        name for name, *_ in columns_of("bigquery", "watch_stream_history")
    ]


def test_every_table_has_its_loads():
    first = [column for column, *_ in columns_of("bigquery", "watch_streams_loads")]
    for kind in sorted(TYPES):
        columns = columns_of(kind, "watch_streams_loads")
        assert [column for column, *_ in columns] == first
        assert all(must and text for _, _, must, text in columns)


def statements(kind, mode):
    """Return the statements of a mode that warehouses have in common."""
    folder = "a." if kind == "bigquery" else ""
    written = written_as(kind, f"{folder}{TABLES[mode]}", mode)
    if kind == "bigquery":
        written.staged = "`dwell_staged`"
    at = base.utc_now()
    two_days = day_ranges.cover_days([at.date(), at.date() - timedelta(days=400)])
    written.load(1, records.Records(None, 1, two_days, at), two_days)
    written.adopt_ledger(7)
    written.count_changes(0)
    list(written.read_records())
    written.read_totals()
    return [sql.replace("`a`.", "") for sql in written.statements]


@pytest.mark.parametrize("kind", ["postgres", "redshift", "snowflake"])
def test_statements_parse_as_sql_of_their_warehouse(kind):
    texts = [path.read_text() for path in sorted((SCHEMAS / kind).glob("*.sql"))]
    texts += [f"{sql};\n" for mode in TABLES for sql in statements(kind, mode)]
    assert len(texts) > 15
    for text in texts:
        sqlfluff.parse(text, dialect=kind)
    # the parser finds an error
    with pytest.raises(sqlfluff.api.APIParsingError):
        sqlfluff.parse("create table x (a integer) cluster distkey nonsense (;", dialect=kind)


# a literal without a zone, and functions that use the default time zone unless they name one
OF_A_DEFAULT_ZONE = re.compile(
    r"""timestamp\ '[^']*(?<!\+00:00)' | as\ (date|timestamp|string)\b
    | \b(date|timestamp|string|timestamp_trunc|extract|datetime)\ ?\((?![^()]*,\ 'UTC'\))""",
    re.IGNORECASE | re.VERBOSE,
)


def test_no_statement_depends_on_the_default_time_zone_of_a_bigquery_project():
    sent = [sql for mode in TABLES for sql in statements("bigquery", mode)]
    assert any("timestamp '" in sql for sql in sent) and any("date(" in sql for sql in sent)
    assert [found for sql in sent for found in OF_A_DEFAULT_ZONE.findall(sql)] == []
    # the pattern finds statements that do
    for sql in (
        "where began_at > timestamp '2025-03-18 00:00:00.000000'",
        "select cast(began_at as date)",
        "select date(began_at)",
        "select extract(day from began_at)",
    ):
        assert OF_A_DEFAULT_ZONE.search(sql), sql


def test_no_literal_of_snowflake_depends_on_what_timestamp_maps_to():
    sent = [sql for mode in TABLES for sql in statements("snowflake", mode)]
    assert any("::timestamp_ntz(6)" in sql for sql in sent)
    assert not any("timestamp '" in sql for sql in sent)


def test_googles_analyzer_accepts_the_statements_of_bigquery():
    # bqemulator includes Google's analyzer
    need("emulators")
    tables = {
        table: [(name, of) for name, of, *_ in columns_of("bigquery", table)]
        for table in (*ADDED, "watch_streams_loads")
    }
    tables["watch_stream_history_loads"] = tables["watch_streams_loads"]
    tables["dwell_staged"] = tables["watch_stream_history"]
    sent = [sql for mode in TABLES for sql in statements("bigquery", mode)]
    assert len(sent) > 15
    wrong = [
        "select nosuch from watch_streams",
        "delete from watch_streams where began_at = '2025'  and stream_id in (select 1)",
        "insert into watch_streams (user_id) select heartbeats from dwell_staged",
    ]
    done = subprocess.run(
        [BQEMULATOR / "python", ROOT / "tests/python/support/warehouses/bigquery_analyzer.py"],
        input=json.dumps({"tables": tables, "statements": sent + wrong}),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    errors = json.loads(done.stdout)
    assert dict(zip(sent, errors, strict=False)) == dict.fromkeys(sent)
    assert all(errors[len(sent) :])


def test_the_docs_make_bigquerys_table_as_dwell_does():
    need("warehouses")
    from dwell.warehouses import bigquery

    page = (ROOT / "docs" / "how-to" / "load.md").read_text()
    (command,) = re.findall(r"bq mk (.*?)\n```", page, re.S)
    assert f"--time_partitioning_field {bigquery.PARTITIONED_BY}" in command
    assert f"--clustering_fields {','.join(bigquery.CLUSTERED_BY)}" in command
