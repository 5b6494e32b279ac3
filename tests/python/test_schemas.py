"""The tables in schemas/ are those of the dbt contract, and what is said to them is their SQL."""

import json
import re
import subprocess

import pytest
import sqlfluff
from emulators import BQEMULATOR, leave_out
from project import ROOT, Project

from dwell import records, warehouse
from dwell.warehouse import SCHEMAS, TABLES, Warehouse

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
TYPES_OF_COLUMNS = {("redshift", "stream_id"): "varchar(32)"}
# what dwell load adds
ADDED = {
    "watch_streams": {"revision": "integer", "loaded_at": "timestamp"},
    "watch_stream_history": {
        "revision": "integer",
        "is_retracted": "boolean",
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
        (name, of, True, (told or comments.get(name, "")).replace("''", "'"))
        for name, of, told in (match.groups() for match in found)
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
    def there(name, of):
        return TYPES_OF_COLUMNS.get((kind, name), TYPES[kind].get(of, of))

    found = columns_of(kind, table)
    expected = [(name, there(name, of), must, told) for name, of, must, told in contract]
    assert found[: len(contract)] == expected
    added = found[len(contract) :]
    assert [(name, of) for name, of, *_ in added] == [
        (name, there(name, of)) for name, of in ADDED[table].items()
    ]
    assert all(must and told for _, _, must, told in added)


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
        assert all(must and told for _, _, must, told in columns)


class Written(Warehouse):
    """A warehouse that writes down what it would be told."""

    def __init__(self, kind, mode, quote):
        self.kind, self.quote = kind, quote
        super().__init__(TABLES[mode], mode)
        self.written = []

    def connect(self):
        """Nothing is there to connect with."""

    def is_there(self, table):
        return True

    def create(self, table, definition):
        raise AssertionError(f"{table} is there")

    def stage(self, records):
        pass

    def transact(self, statements, batch):
        self.written += statements

    def query(self, sql):
        self.written.append(sql)
        return [(0, self.mode, 0)] if "load_mode" in sql else []


def statements(kind, mode, quote='"'):
    """Everything that is said to a warehouse in a mode, but for what its own module says."""
    told = Written(kind, mode, quote)
    at = warehouse.now()
    told.load(1, records.Records(None, 1, at, at, at), at, at)
    told.take_over(7)
    list(told.records())
    told.totals(warehouse.EARLIEST, warehouse.LATEST)
    return told.written


@pytest.mark.parametrize("kind", ["postgres", "redshift", "snowflake"])
def test_it_parses_as_sql_of_its_warehouse(kind):
    texts = [path.read_text() for path in sorted((SCHEMAS / kind).glob("*.sql"))]
    texts += [f"{sql};\n" for mode in TABLES for sql in statements(kind, mode)]
    assert len(texts) > 15
    for text in texts:
        sqlfluff.parse(text, dialect=kind)
    # and what is none of it is found
    with pytest.raises(sqlfluff.api.APIParsingError):
        sqlfluff.parse("create table x (a integer) cluster distkey nonsense (;", dialect=kind)


def test_googles_analyzer_takes_the_statements_of_bigquery():
    if not (BQEMULATOR / "python").exists():
        leave_out("left out, for Google's analyzer is not here: make emulators")
    tables = {
        table: [(name, of) for name, of, *_ in columns_of("bigquery", table)]
        for table in (*ADDED, "watch_streams_loads")
    }
    tables["watch_stream_history_loads"] = tables["watch_streams_loads"]
    tables["dwell_staged"] = tables["watch_stream_history"]
    said = [sql for mode in TABLES for sql in statements("bigquery", mode, "`")]
    assert len(said) > 15
    wrong = [
        "select nosuch from watch_streams",
        "delete from watch_streams where began_at = '2025'  and stream_id in (select 1)",
        "insert into watch_streams (user_id) select heartbeats from dwell_staged",
    ]
    done = subprocess.run(
        [BQEMULATOR / "python", ROOT / "tests/python/bigquery_analyzer.py"],
        input=json.dumps({"tables": tables, "statements": said + wrong}),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    told = json.loads(done.stdout)
    assert dict(zip(said, told, strict=False)) == dict.fromkeys(said)
    assert all(told[len(said) :])


def test_the_docs_make_bigquerys_table_as_dwell_does():
    bigquery = pytest.importorskip("dwell.warehouses.bigquery", reason="make warehouses")
    page = (ROOT / "docs" / "loading.md").read_text()
    (command,) = re.findall(r"bq mk (.*?)\n```", page, re.S)
    assert f"--time_partitioning_field {bigquery.PARTITIONED_BY}" in command
    assert f"--clustering_fields {','.join(bigquery.CLUSTERED_BY)}" in command
