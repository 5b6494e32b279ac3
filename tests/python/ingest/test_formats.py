"""The same events give the same sessions, whatever they are written in."""

import csv
import gzip
import io
import json
import os
import shutil
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb
import pytest
from support.events import HEADER, MODIFIED
from support.project import Project


def at(text):
    return datetime.fromisoformat(f"2025-01-01 {text}")


# À and € have bytes that are no text in other encodings than UTF-8
EVENTS = [
    ("page_view", "u1", "1.0", at("10:00:00"), "d1", "À la carte"),
    ("click", "u1", "1.0", at("10:30:00"), "d1", "web"),  # at exactly the timeout
    ("click", "u1", "1.0", at("11:00:01"), "d1", "web"),  # a second over it
    ("page_view", "u1", "1.0", at("10:00:00"), "d1", "À la carte"),  # a duplicate
    ("page_view", "u2", "1.0", at("10:00:00"), "d2", 'a "€",\nb'),
    ("page_view", None, "1.0", at("10:00:00"), "d3", "web"),
    ("page_view", None, "1.0", at("10:00:00"), None, "web"),  # of no user
    ("page_view", "u1", "1.0", None, "d1", "web"),  # at no time
]
SESSIONS = [
    ("u1", "d1", 1, at("10:00:00"), at("10:30:00"), 2, 1800.0, False),
    ("u1", "d1", 2, at("11:00:01"), at("11:00:01"), 1, 0.0, True),
    ("u2", "d2", 1, at("10:00:00"), at("10:00:00"), 1, 0.0, True),
    (None, "d3", 1, at("10:00:00"), at("10:00:00"), 1, 0.0, True),
]
READ = (8, 5, 1, 2, True)
BOM = b"\xef\xbb\xbf"


def iso(time):
    return time and time.isoformat() + "Z"


def in_utc(time):
    return time and time.replace(tzinfo=UTC)


def epoch(time, per_second=1):
    return time and int(in_utc(time).timestamp()) * per_second


def milliseconds(time):
    return epoch(time, 1000)


def microseconds(time):
    return epoch(time, 1_000_000)


def dicts(events=EVENTS, time=iso, names=HEADER):
    return [dict(zip(names, (*e[:3], time(e[3]), *e[4:]), strict=True)) for e in events]


def as_csv(events=EVENTS, time=iso, columns=HEADER, header=str, extra=(), **options):
    file = io.StringIO()
    out = csv.writer(file, **{"lineterminator": "\n", **options})
    out.writerow([header(name) for name in [*columns, *extra]])
    for row in dicts(events, time):
        out.writerow([row[name] for name in columns] + ["more, of no use"] * len(extra))
    return file.getvalue().encode()


def as_lines(events=EVENTS, time=iso, names=HEADER, end="\n", **more):
    # keys may come in another order, and be missing where they have no value
    lines = [
        {key: value for key, value in reversed(row.items()) if value is not None}
        for row in dicts(events, time, names)
    ]
    return "".join(json.dumps(line | more) + end for line in lines).encode()


def as_array(events=EVENTS, **layout):
    return json.dumps(dicts(events), **layout).encode()


def create(connection, name, kind="timestamp", time=lambda t: t, events=EVENTS):
    """Create a table of the events whose times are of one DuckDB type."""
    columns = ", ".join(f"{c} {kind if c == 'event_time' else 'varchar'}" for c in HEADER)
    connection.execute(f"create or replace table {name} ({columns})")
    connection.executemany(
        f"insert into {name} values (?, ?, ?, ?, ?, ?)",
        [list(row.values()) for row in dicts(events, time)],
    )


def as_parquet(events=EVENTS, kind="timestamp", time=lambda t: t, select="*"):
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute("set timezone = 'Asia/Tokyo'")
        create(connection, "events", kind, time, events)
        connection.execute(f"copy (select {select} from events) to '{folder}/a.parquet'")
        return (Path(folder) / "a.parquet").read_bytes()


def then(change, write, **how):
    return lambda events=EVENTS: change(write(events, **how))


FORMATS = {
    "plain.csv": as_csv,
    "packed.csv.gz": then(gzip.compress, as_csv),
    "semicolon.csv": partial(as_csv, delimiter=";"),
    "pipe.txt": partial(as_csv, delimiter="|"),
    "tab.csv": partial(as_csv, delimiter="\t"),
    "tab.tsv": partial(as_csv, delimiter="\t"),
    "quoted.csv": partial(as_csv, quoting=csv.QUOTE_ALL),
    "crlf.csv": partial(as_csv, lineterminator="\r\n"),
    "bom.csv": then(BOM.__add__, as_csv),
    "no_last_line_end.csv": then(bytes.rstrip, as_csv),
    "other_order.csv": partial(as_csv, columns=HEADER[::-1]),
    "extra.csv": partial(as_csv, extra=["country", "", "country"]),
    "capitals.csv": partial(as_csv, header=str.upper),
    "spaced_header.csv": partial(as_csv, header=" {} ".format),
    "spaced_times.csv": partial(as_csv, time=lambda t: t and f"  {iso(t)} "),
    "seconds.csv": partial(as_csv, time=epoch),
    "milliseconds.csv": partial(as_csv, time=milliseconds),
    "microseconds.csv": partial(as_csv, time=microseconds),
    "fractions.csv": partial(as_csv, time=lambda t: t and f"{epoch(t)}.000"),
    "lines.jsonl": as_lines,
    "lines.json": as_lines,
    "seconds.ndjson": partial(as_lines, time=epoch),
    "crlf.jsonl": partial(as_lines, end="\r\n"),
    "bom.jsonl": then(BOM.__add__, as_lines),
    "blank_lines.jsonl": partial(as_lines, end="\n\n"),
    "extra.jsonl": partial(as_lines, nested={"a": [1]}),
    "packed.jsonl.gz": then(gzip.compress, as_lines, time=milliseconds),
    "array.json": as_array,
    "pretty_array.json": partial(as_array, indent=2),
    "bom_array.json": then(BOM.__add__, as_array),
    "packed_array.json.gz": then(gzip.compress, as_array),
    "objects.json": lambda events: b"\n".join(as_array([e], indent=1)[1:-1] for e in events),
    "text.parquet": partial(as_parquet, kind="varchar", time=iso),
    "spaced.parquet": partial(as_parquet, kind="varchar", time=lambda t: t and f" {iso(t)} "),
    "timestamp.parquet": as_parquet,
    "nanoseconds.parquet": partial(as_parquet, kind="timestamp_ns"),
    "timestamptz.parquet": partial(as_parquet, kind="timestamptz", time=in_utc),
    "seconds.parquet": partial(as_parquet, kind="bigint", time=epoch),
    "milliseconds.parquet": partial(as_parquet, kind="bigint", time=milliseconds),
    "microseconds.parquet": partial(as_parquet, kind="bigint", time=microseconds),
    "floating.parquet": partial(as_parquet, kind="double", time=epoch),
    "extra.parquet": partial(
        as_parquet, select='client, 1 as n, device_id as "Device_ID", * exclude (client, device_id)'
    ),
}


def write(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (MODIFIED, MODIFIED))
    return path


def load(project):
    project.run("run", "--select", "+fct_sessions", "event_reconciliation")


def sessions(project, tag=""):
    return project.rows(
        f"""select user_id, replace(device_id, '{tag}', ''), session_number, started_at,
        ended_at, event_count, duration_seconds, is_single_event from fct_sessions
        where starts_with(device_id, '{tag}') order by user_id nulls last, session_number"""
    )


def read(project, name=""):
    return project.row(
        f"""select sum(rows_read), sum(rows_accepted), sum(rows_duplicate), sum(rows_rejected),
        bool_and(is_balanced) from event_reconciliation where ends_with(source, '{name}')"""
    )


@pytest.fixture(scope="module")
def landing(tmp_path_factory):
    """One project, parsed once: these settings change no `ref` and no config."""
    folder = tmp_path_factory.mktemp("formats")
    project = Project(folder, events_path="whatever")

    def load_files(files, paths=("**",), **settings):
        shutil.rmtree(folder / "landing", ignore_errors=True)
        project.database.unlink(missing_ok=True)
        for name, content in files.items():
            write((folder / "landing" / name).parent, Path(name).name, content)
        events_path = [f"{folder}/landing/{path}" for path in paths]
        project.settings = {"events_path": events_path, "max_rejected_ratio": 1, **settings}
        load(project)
        return project

    return load_files


@pytest.fixture(scope="module")
def every_format(landing):
    """The events once in each format, distinct by their devices, all read by one run."""
    files = {}
    for name, write_events in FORMATS.items():
        files[name] = write_events([(*e[:4], e[4] and f"{name} {e[4]}", e[5]) for e in EVENTS])
    project = landing(files)
    return {name: (sessions(project, f"{name} "), read(project, f"/{name}")) for name in files}


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_gives_the_same_sessions_in_every_format(name, every_format):
    assert every_format[name] == (SESSIONS, READ)


def test_equal_rows_of_files_in_several_formats_are_duplicates(landing):
    files = ["plain.csv", "tab.tsv", "seconds.csv", "lines.jsonl", "array.json", "text.parquet"]
    files += ["timestamp.parquet", "microseconds.parquet"]
    project = landing({name: FORMATS[name]() for name in files})
    assert sessions(project) == SESSIONS
    # one of the eight has the events; all that the others have are its duplicates
    assert read(project) == (8 * 8, 5, 1 + 7 * 6, 8 * 2, True)


def test_parquet_files_may_differ_in_the_types_of_their_columns(landing):
    """Read together, the second would be cast to the types of the first."""
    numbers = "* replace (row_number() over () as user_id, 7::tinyint as device_id)"
    project = landing({"a.parquet": as_parquet(select=numbers), "b.parquet": as_parquet()})
    # among the numbers, no row equals another or lacks a user
    assert read(project, "a.parquet") == (8, 7, 0, 1, True)
    assert sessions(project)[-4:] == SESSIONS


def test_a_parquet_file_without_a_line_end_is_known_for_what_it_is(landing, tmp_path):
    """It begins with 3 MB of zeros, in which no line ends."""
    event = "'a' as event_name, 'u' as user_id, '1' as app_version, 'd' as device_id"
    time = "'w' as client, timestamp '2025-01-01 10:00:00' as event_time"
    duckdb.execute(
        f"""copy (select 0::bigint as zero, {event}, {time} from range(400000))
        to '{tmp_path}/a.parquet' (compression uncompressed, dictionary_size_limit 0,
        row_group_size 400000)"""
    )
    content = (tmp_path / "a.parquet").read_bytes()
    assert content.find(b"\n") > 3_000_000
    assert read(landing({"zeros.parquet": content})) == (400_000, 1, 399_999, 0, True)


def test_json_may_be_one_long_line(landing):
    """Longer than the 2 MB up to which a line is read as a line."""
    content = as_array(EVENTS[:1] * 20_000)
    assert read(landing({"long.json": content})) == (20_000, 1, 19_999, 0, True)


def test_json_may_have_a_key_for_the_first_time_after_hundreds_of_objects(landing):
    without = (*EVENTS[0][:5], None)
    content = as_lines([without] * 300 + EVENTS[:1])
    assert read(landing({"rare.jsonl": content})) == (301, 2, 299, 0, True)


NAMES = ("What", "Who", "app.version", "When it was", "gerät", "select")
MAPPING = {
    "event_name": "what",
    "user_id": "WHO",
    "app_version": "app.version",
    "event_time": " when it was",
    "device_id": "Gerät",
    "client": "SELECT",
}
RENAMED = ", ".join(f'{ours} as "{theirs}"' for ours, theirs in zip(HEADER, NAMES, strict=True))


def test_columns_are_found_under_the_names_that_events_columns_gives(landing):
    """In another case, with blanks, dots, and words of SQL."""
    theirs = dict(zip(HEADER, NAMES, strict=True))
    files = {
        "names.csv": as_csv(header=theirs.get),
        "names.jsonl": as_lines(names=NAMES),
        "names.parquet": as_parquet(select=RENAMED),
    }
    project = landing(files, events_columns=MAPPING)
    assert sessions(project) == SESSIONS
    assert read(project) == (3 * 8, 5, 1 + 2 * 6, 3 * 2, True)


def test_a_column_that_the_input_lacks_is_mapped_to_null(landing):
    columns = [name for name in HEADER if name not in ("client", "app_version")]
    lacking = {"client": None, "app_version": None}
    project = landing({"less.csv": as_csv(columns=columns)}, events_columns=lacking)
    assert sessions(project) == SESSIONS


def test_events_path_may_be_a_list_of_paths_and_globs(landing):
    files = ["b/plain.csv", "b/tab.tsv", "b/lines.jsonl", "b/c/text.parquet", "array.json"]
    # tab.tsv is named by none, lines.jsonl by two
    paths = ["b/plain.csv", "**/*.parquet", "b/lines.*", "*/lines.jsonl", "*.json"]
    project = landing({name: FORMATS[Path(name).name]() for name in files}, paths)
    assert sessions(project) == SESSIONS
    assert read(project) == (4 * 8, 5, 1 + 3 * 6, 4 * 2, True)


def test_a_relation_gives_the_same_sessions(project):
    """Whatever its times are; each run reads all of it, so that one project reads them all."""
    project = project(events_relation="raw.events")
    tables = {
        "timestamp": lambda t: t,
        "timestamptz": in_utc,
        "varchar": lambda t: t and f" {iso(t)} ",
        "bigint": milliseconds,
    }
    for kind, time in tables.items():
        with duckdb.connect(str(project.database)) as connection:
            connection.execute("create schema if not exists raw")
            create(connection, "raw.events", kind, time)
        load(project)
        assert sessions(project) == SESSIONS, kind
        assert read(project) == READ, kind


def test_a_relation_may_be_a_view_with_other_names_and_no_rows_yet(project):
    project = project(events_relation="dwell.raw.all events", events_columns=MAPPING)
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create schema raw")
        create(connection, "raw.events", "varchar", iso)
        connection.execute(f'create view raw."all events" as select {RENAMED} from raw.events')
        connection.execute("create table raw.put_aside as from raw.events")
        connection.execute("delete from raw.events")
    load(project)
    assert (sessions(project), read(project)) == ([], (0, 0, 0, 0, True))
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("insert into raw.events from raw.put_aside")
    load(project)
    assert (sessions(project), read(project)) == (SESSIONS, READ)


def events_at(*times):
    lines = [",".join(HEADER)] + [f"view,u{n},1,{time},d,web" for n, time in enumerate(times)]
    return "\n".join(lines).encode()


def times(project):
    """When each event was, by the number in its user id."""
    return [
        row[0] for row in project.rows("select started_at from fct_sessions order by user_id, 1")
    ]


def test_times_have_a_zone_an_offset_or_none(landing):
    same = [
        "2025-01-01T10:00:00Z",
        "2025-01-01T12:00:00+02:00",
        "2025-01-01T04:30:00-0530",
        "2025-01-01 11:00:00+01",
        "2025-01-01 10:00:00.000000 UTC",
        "2025-01-01T10:00:00",
        "2025-01-01 10:00",
    ]
    assert times(landing({"times.csv": events_at(*same)})) == [at("10:00:00")] * 7


# as programs write it: java.time leaves out :00 and adds a name, Snowflake sets a blank
NOON = [
    "2025-07-01T12:00Z",
    "2025-07-01T14:00+02:00",
    "2025-07-01T17:30:00+05:30:00",
    "2025-07-01T12:02:03+00:02:03",
    "2025-07-01 12:00:00 +0000",
    "2025-07-01 05:00:00.000 -0700",
    "2025-07-01t12:00:00z",
    "2025-07-01T12:00:00,000Z",
    "20250701T120000Z",
    "20250701T1200Z",
    "20250701T140000,000+0200",
    "2025-07-01T12:00:00Z[UTC]",
    "2025-07-01T14:00:00+02:00[Europe/Berlin]",
    "2025-07-01T12:00:00.000000000Z",
    "2025-07-01 12:00:00.0000000 UTC",
    "2025-07-01 12:00:00 GMT",
    "2025-07-01 14:00:00 Europe/Berlin",
    "2025-07-01 08:00:00 America/Port-au-Prince",
    "2025-07-01 08:00 America/New_York ",
    "2025-07-01 07:00:00 Etc/GMT+5",
]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_iso_8601_is_read_as_programs_write_it(zone, landing):
    project = landing({"a.csv": events_at(*(f'"{t}"' for t in NOON))}, source_timezone=zone)
    assert times(project) == [datetime(2025, 7, 1, 12)] * len(NOON)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_what_is_no_time_or_names_a_zone_that_may_be_several_is_rejected(zone, landing):
    wrong = [
        *(
            f"2025-07-01 12:00:00 {name}"
            for name in ("BST", "CST ", "EST", "IST", "PST8PDT", "X/Y")
        ),
        *("2025-07-01T12:60Z", "2025-02-30T12:00Z", "20250230T120000Z", "2025-07-01T25:00,5"),
        *("2025-07-01 12:00:00 PM", "2025-07-01T12", "20250701"),
        *("2025-07-01T12:00:00Z[", "2025-07-01T12:00:00 +", "infinity", "2025-07-01T"),
    ]
    project = landing({"a.csv": events_at("2025-07-01T12:00Z", *wrong)}, source_timezone=zone)
    assert read(project) == (1 + len(wrong), 1, 0, len(wrong), True)


@pytest.mark.parametrize(
    ("form", "zone", "written"),
    [
        ("%d/%m/%Y %I:%M:%S %p", "UTC", {"1/7/2025 12:00:00 PM": 12, "01/07/2025 1:00:00 am": 1}),
        ("%b %-d, %Y, %-I:%M:%S %p", "UTC", {"Jul 1, 2025, 3:00:00 PM": 15}),
        ("%d.%m.%Y %H:%M:%S,%f", "Europe/Berlin", {"01.07.2025 14:00:00,0": 12}),
        ("%d.%m.%Y %H:%M %z", "Europe/Berlin", {"01.07.2025 14:00 +0300": 11}),
        ("excel", "UTC", {"45839.5": 12, "45839.0416666667": 1}),
        ("excel", "Europe/Berlin", {"45839.5": 10}),
        ("epoch_nanoseconds", "UTC", {"1751371200000000000": 12, "1751374800000000499": 13}),
        ("auto", "UTC", {"1751371200000000000": 12}),
    ],
)
def test_a_setting_names_the_format_of_times(form, zone, written, landing):
    content = events_at(*(f'"{time}"' for time in written), '"2025-07-01 12:00:00"')
    project = landing({"a.csv": content}, event_time_format=form, source_timezone=zone)
    assert times(project) == [datetime(2025, 7, 1, hour) for hour in written.values()]
    # what is in another format is none
    assert read(project) == (len(written) + 1, len(written), 0, 1, True)


@pytest.mark.parametrize("form", ["auto", "epoch_milliseconds"])
def test_a_number_whose_digits_a_spreadsheet_dropped_is_no_time(form, landing):
    content = events_at("1751371200000", "1751371200001", "1.75137E+12")
    assert read(landing({"a.csv": content}, event_time_format=form)) == (3, 2, 0, 1, True)


# the local time in Berlin, and UTC: an hour ahead in winter, two in summer
BERLIN = {
    "2025-03-30T01:59:00": "2025-03-30 00:59:00",
    "2025-03-30T03:01:00": "2025-03-30 01:01:00",
    "2025-10-26T01:30:00": "2025-10-25 23:30:00",
    "2025-10-26T03:30:00": "2025-10-26 02:30:00",
    "2025-07-01 12:00": "2025-07-01 10:00:00",
    "2025-07-01": "2025-06-30 22:00:00",
    # what names its zone or offset is not moved
    "2025-07-01T12:00:00Z": "2025-07-01 12:00:00",
    " 2025-07-01T12:00:00Z ": "2025-07-01 12:00:00",
    "2025-07-01T12:00:00-04:00": "2025-07-01 16:00:00",
    "2025-07-01T12:00:00+0200": "2025-07-01 10:00:00",
}
UTC_TIMES = [datetime.fromisoformat(time) for time in BERLIN.values()]


def test_source_timezone_holds_for_times_that_name_no_zone(landing):
    project = landing({"a.csv": events_at(*BERLIN)}, source_timezone="Europe/Berlin")
    assert times(project) == UTC_TIMES


def test_source_timezone_holds_for_typed_times_too(landing):
    """A TIMESTAMP names no zone; a TIMESTAMPTZ is a moment, whatever zone it is shown in."""
    noon = [("view", "u", "1", datetime(2025, 7, 1, 12), "d", "web")]
    files = {
        "1.parquet": as_parquet(noon),
        "2.parquet": as_parquet(noon, kind="timestamptz", time=in_utc),
        "3.parquet": as_parquet(noon, kind="varchar", time=lambda t: f" {iso(t)} "),
        "4.parquet": as_parquet(noon, kind="date"),
    }
    project = landing(files, source_timezone="Europe/Berlin", session_timeout_minutes=1)
    assert times(project) == [
        datetime(2025, 6, 30, 22),
        datetime(2025, 7, 1, 10),
        datetime(2025, 7, 1, 12),
    ]


def test_a_file_has_the_unit_of_most_of_its_times(landing):
    """One that is broken, or in another unit, does not make the others unreadable."""
    mixed = events_at(1735725600, 1735725600, "n/a", 1735725600_000, 1735725600)
    project = landing({"times.csv": mixed})
    assert times(project) == [at("10:00:00")] * 3
    assert read(project) == (5, 3, 0, 2, True)


@pytest.mark.parametrize(
    ("form", "readable"),
    [("epoch_seconds", 0), ("epoch_milliseconds", 1), ("epoch_microseconds", 2), ("iso", 3)],
)
def test_event_time_format_decides_before_the_values_do(form, readable, landing):
    forms = ["1735725600", "1735725600000", "1735725600000000", "2025-01-01T10:00:00Z"]
    project = landing({"times.csv": events_at(*forms)}, event_time_format=form)
    # in a wrong unit, it is in 1970 or far in the future
    assert project.rows("select user_id, started_at from fct_sessions") == [
        (f"u{readable}", at("10:00:00"))
    ]
    assert read(project) == (4, 1, 0, 3, True)
