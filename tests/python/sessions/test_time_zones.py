"""Times are UTC in a warehouse, whatever time zone its role or session has.

BigQuery's and Snowflake's statements are held to that in test_schemas.py: their emulators know no
default time zone.
"""

from datetime import datetime

import pytest
from support.kafka.streams_database import Stream, build
from support.warehouses.targets import dwell, running

from dwell.warehouses.base import SCHEMAS

# the 19th in Kolkata
LATE = datetime(2025, 3, 18, 22)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    with running("postgres", tmp_path_factory.mktemp("postgres")) as target:
        target.environment = target.environment | {"PGTZ": "Asia/Kolkata"}
        yield target


def test_a_table_whose_columns_have_a_zone_gets_moments_of_utc(postgres, tmp_path):
    """As someone makes one by hand."""
    for name in ("watch_streams", "watch_streams_loads"):
        definition = (SCHEMAS / "postgres" / f"{name}.sql").read_text()
        assert " timestamp " in definition
        postgres.query(definition.replace(" timestamp ", " timestamptz "))
    database = tmp_path / "dwell.duckdb"
    build(database, [Stream("a", LATE)])
    code, output = dwell("load", "postgres", target=postgres, database=database)
    assert code == 0, output
    found = postgres.rows("select began_at at time zone 'UTC' from watch_streams")
    assert found == [(LATE,)]
    code, output = dwell("load", "postgres", "--check", target=postgres, database=database)
    assert code == 0 and "1 stream on 1 day" in output, output
    # read back for a new ledger, it is the same stream
    code, output = dwell("load", "postgres", "--adopt", target=postgres, database=database)
    assert code == 0 and "0 rows inserted, 0 updated, 0 removed" in output, output
