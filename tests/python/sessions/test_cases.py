"""Small exports in shapes that people reported, from a folder next to the checkout."""

import json
import re

import pytest
from support.project import ROOT, Project

CASES = ROOT.parent / "shared" / "cases" / "input"
pytestmark = pytest.mark.skipif(
    not CASES.exists(), reason=f"the cases are not next to this checkout: {CASES.name}"
)


def settings_of_cases():
    """Return {case: the settings that its page gives}."""
    rows = re.findall(r"^\| ([\w-]+) \| `(\{.*?\})` \|", (CASES / "README.md").read_text(), re.M)
    return {name: json.loads(settings) for name, settings in rows}


# what its page does not set yet, as those settings are newer
MORE = {
    "adobe-feed": {
        "events_path": "adobe-feed/hit_data.tsv",
        "events_csv": {
            "names": ["hit_time_gmt", "post_visid_high", "post_visid_low", "pagename", "n", "e"]
        },
    },
    "csv-drift": {"events_columns": {"app_version": ["app_version", None]}},
    "ga4-one-day-nobody-logged-in": {
        "events_columns": {
            "event_name": "event_name",
            "user_id": ["user_id", None],
            "device_id": "user_pseudo_id",
            "event_time": "event_timestamp",
            "app_version": None,
            "client": "platform",
        }
    },
    "hive-csv": {"events_columns": {"client": "client"}},
    "hive-mixed-parquet": {"events_columns": {"client": "client"}},
    "hive-parquet-user-numeric": {"events_columns": {"user_id": "user_id"}},
    "json-mongo": {
        "events_columns": {
            "user_id": ["user_id.$oid", "user_id"],
            "event_time": ["event_time.$date", "event_time"],
        }
    },
    "landing-iso-start-epoch-event": {"heartbeats_time_format": "auto"},
    "mixpanel": {
        "events_columns": {
            "event_name": "event",
            "user_id": "properties.distinct_id",
            "event_time": "properties.time",
            "app_version": "properties.$app_version_string",
            "device_id": "properties.$device_id",
            "client": "properties.mp_lib",
        }
    },
    "json-wrapper": {"events_json": {"rows": "results"}},
    "null-markers": {
        "null_values": [
            *("\\N", "NULL", "null", "None", "nan", "NaN", "NA", "(not set)", "undefined", "-"),
            "00000000-0000-0000-0000-000000000000",
        ]
    },
    "same-second-clicks": {"drop_exact_duplicates": False},
    "segment-tracks-and-pages": {
        "events_columns": {
            "event_name": ["event", "name"],
            "user_id": "user_id",
            "device_id": "anonymous_id",
            "app_version": None,
            "client": "context_library_name",
            "event_time": "timestamp",
        }
    },
    "snowplow-tsv": {
        "events_csv": {"header": False},
        "events_columns": {
            "event_name": "column5",
            "user_id": "column12",
            "device_id": "column15",
            "event_time": "column4",
            "app_version": None,
            "client": "column1",
        },
    },
    "title-lines": {"events_csv": {"skip": 3}},
    "parquet-blob": {"events_path": "parquet-blob/a.parquet"},
    "java-offsetdatetime": {"events_path": "java-offsetdatetime/a.jsonl"},
}
THREE = {("u0", "d0", 1), ("u1", "d1", 1), ("u2", "d2", 1)}
TWO_OF_X = {("x", "d", 2)}
# {case: {(user, device, events of a session)}, read from the files by eye, or part of the error}
EXPECTED = {
    "adobe-feed": {("7890", "3456", 3)},
    "apple-double": TWO_OF_X,
    "bracket-jsonl": {("plain", "d1", 1), ("bracket", "d1", 1)},
    "bracket-parquet": {(f"{w}{n}", f"d{n}", 1) for w in ("plain", "bracket") for n in range(3)},
    "csv-drift": {("u1", "d1", 2)},
    "csv-float-ids": {("12345", "d1", 2)},
    "excel-lock": TWO_OF_X,
    "ga4-nested": {("cust-1", "111.222", 4)},
    "ga4-one-day-nobody-logged-in": {("cust-1", "111.222", 4), (None, "111.222", 4)},
    "hb-key-case": "most often as missing_user_id",
    "header-comma-in-quotes": {("u1", "d1", 1)},
    "hive-csv": {("u1", "d1", 1)},
    "hive-csv-dt": {("u1", "d1", 2), ("u2", "d2", 1)},
    "hive-csv-gz": {("u1", "d1", 2)},
    "hive-mixed-parquet": THREE | {("u1", "d1", 1)},
    "hive-overrides-column": {("u1", "d1", 1)},
    "hive-parquet-user-numeric": {("0042", None, 1), ("42", None, 1)},
    "java-offsetdatetime": {("u", "d", 3), ("u", "d", 1)},
    "json-in-csv-column": {("u1", "d1", 1)},
    "json-mongo": {("64b1", "d1", 1)},
    "json-quoted-key": {("u1", "d", 1)},
    "json-wrapper": {("u1", "d1", 1), ("u2", "d2", 1)},
    "landing-bom": 8,
    "landing-confluent-json": 8,
    "landing-double-encoded": 8,
    "landing-epoch-ms-auto": 8,
    "landing-iso-start-epoch-event": 8,
    "matomo-utf16": {("abc", None, 1)},
    "mixpanel": {("u1", "d1", 3)},
    "mtime-0": TWO_OF_X,
    "mtime-one-day-before": TWO_OF_X,
    "null-markers": {
        *((None, "d1", 2), (None, "d2", 2), (None, "d3", 3), (None, "d4", 2)),
        *((None, "d5", 2), (None, "d6", 1)),
    },
    "parquet-big-double": "ids in the column user_id, which is DOUBLE, that are too long",
    "parquet-blob": {(f"Zoë{n}", f"d{n}", 1) for n in range(3)},
    "parquet-struct": {("u1", None, 1)},
    "same-second-clicks": {("u", "d", 5)},
    "segment-snowflake-csv": {(None, "anon-1", 3)},
    "segment-tracks-and-pages": {("u1", "anon-1", 2)},
    "sep-line": THREE,
    "snowplow-tsv": {("cust-1", "dom-1", 3)},
    "source-tz-bst": "source_timezone must be a time zone by its name",
    "title-lines": THREE,
}


@pytest.fixture
def case(tmp_path, monkeypatch):
    """Return a way to go to the cases, with the settings of one."""
    monkeypatch.chdir(CASES)

    def of(name):
        settings = settings_of_cases().get(name, {}) | MORE.get(name, {})
        for key in [key for key in settings if key.endswith("_path")]:
            paths = settings[key]
            settings[key] = (
                [str(CASES / path) for path in paths]
                if isinstance(paths, list)
                else str(CASES / paths)
            )
        return Project(tmp_path, **settings)

    return of


@pytest.mark.parametrize("name", EXPECTED)
def test_a_case_gives_what_it_holds_or_an_error(name, case):
    project, expected = case(name), EXPECTED[name]
    is_watch = "heartbeats_path" in project.settings
    models = ("--select", "+fct_watch_streams" if is_watch else "+fct_sessions")
    result = project.run("run", *models, fails=isinstance(expected, str))
    if isinstance(expected, str):
        assert "dwell: " in result and expected in result
    elif is_watch:
        assert project.row("select sum(heartbeats) from int_watch__streams") == (expected,)
    else:
        found = project.rows("select user_id, device_id, event_count from fct_sessions")
        assert set(found) == expected


@pytest.mark.skipif(not CASES.exists(), reason="no cases")
def test_every_case_is_tested():
    assert EXPECTED.keys() == {path.name for path in CASES.iterdir() if path.is_dir()}
