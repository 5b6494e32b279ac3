"""Files as other programs leave them are loaded by settings alone, or named in an error.

Their shapes are public; what is in them is invented.
"""

import gzip
import json
import os
import re
import shutil

import duckdb
import pytest
import yaml
from support.events import HEADER, MODIFIED
from support.project import ROOT, Project

ROW = ("view", "u1", "1.0", "2024-07-01T12:00:00Z", "d1", "web")
EVENT = dict(zip(HEADER, ROW, strict=True))


def csv_of(*rows, header=HEADER, delimiter=","):
    return "\n".join(delimiter.join(row) for row in (header, *rows)) + "\n"


def without(*columns):
    """Return a header and a row that lack columns."""
    kept = [i for i, column in enumerate(HEADER) if column not in columns]
    return tuple(HEADER[i] for i in kept), tuple(ROW[i] for i in kept)


def parquet_of(folder, select):
    with duckdb.connect() as connection:
        connection.execute(f"copy ({select}) to '{folder / 'made.parquet'}' (format parquet)")
    return (folder / "made.parquet").read_bytes()


def event_as_sql(**more):
    values = {name: f"'{value}'" for name, value in EVENT.items()} | more
    return "select " + ", ".join(f"{value} as {name}" for name, value in values.items() if value)


class Exports:
    """One project, for whatever its folder holds."""

    def __init__(self, folder):
        self.folder = folder / "in"
        self.project = Project(folder, events_path="none")

    def load(self, files, paths="**", fails=False, **settings):
        """Write files and build from them; return the events, or the error."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.project.database.unlink(missing_ok=True)
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            os.utime(path, (MODIFIED, MODIFIED))
        paths = [paths] if isinstance(paths, str) else paths
        self.project.settings = {
            "events_path": [f"{self.folder}/{path}" for path in paths],
            **settings,
        }
        result = self.project.run(
            "run", "--select", "+fct_sessions", "rejected_events", fails=fails
        )
        return result if fails else self.events()

    def events(self):
        return self.project.rows(
            """select event_name, user_id, app_version, device_id, client
            from int_web__events_sessionized where reject_reason is null order by all"""
        )

    def rejects(self):
        return self.project.rows("select reject_reason, count(*) from rejected_events group by 1")


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    return Exports(tmp_path_factory.mktemp("exports"))


@pytest.fixture
def content(tmp_path):
    """Return a function that makes one event in a format, with columns left out or changed."""

    def make(kind, **changed):
        event = EVENT | changed
        event = {name: value for name, value in event.items() if value is not None}
        if kind == "parquet":
            listed = ", ".join(f"'{value}' as {name}" for name, value in event.items())
            return parquet_of(tmp_path, f"select {listed}")
        if kind == "jsonl":
            return json.dumps(event) + "\n"
        delimiter = {"csv": ",", "tsv": "\t"}[kind]
        return csv_of(tuple(event.values()), header=tuple(event), delimiter=delimiter)

    return make


KINDS = ("csv", "tsv", "jsonl", "parquet")


FOLDERS = ("client=tv", "dt=2024-07-01", "event_name=click", "hour=07")


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_folder_is_called_changes_nothing_in_a_file(kind, content, exports):
    files = {f"{name}/a.{kind}": content(kind, user_id=name) for name in FOLDERS}
    assert exports.load(files, f"*/a.{kind}") == [
        ("view", name, "1.0", "d1", "web") for name in FOLDERS
    ]
    assert exports.rejects() == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_gives_a_column_where_a_setting_names_it(kind, content, exports):
    """Its value is the text as written: 0042 is no 42."""
    files = {
        f"user_id=0042/a.{kind}": content(kind, user_id=None),
        f"user_id=42/a.{kind}": content(kind, user_id=None),
        f"user_id=__HIVE_DEFAULT_PARTITION__/a.{kind}": content(kind, user_id=None),
        f"plain/a.{kind}": content(kind),
    }
    error = exports.load(files, "*/*", fails=True)
    expected = "Its folders name user_id, which is read if a setting names it, as in {user_id:"
    assert expected in error
    found = exports.load(files, "*/*", events_columns={"user_id": "user_id"})
    assert [user for _, user, *_ in found] == ["0042", "42", "u1", None]


# names that are patterns, and what they would match
PATTERNS = {"e[1]": "e1", "e*": "ex", "e?": "ey", "[!x]": "y", "{a}": "a", "f]": "f"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_name_of_a_file_that_was_found_is_no_pattern(kind, content, exports):
    names = sorted([*PATTERNS, *PATTERNS.values()])
    files = {f"{name}.{kind}": content(kind, user_id=name) for name in names}
    assert sorted(user for _, user, *_ in exports.load(files, f"*.{kind}")) == names
    # a path that is the name of a file names that file
    found = exports.load(files, [f"{name}.{kind}" for name in PATTERNS])
    assert sorted(user for _, user, *_ in found) == sorted(PATTERNS)


def test_floating_point_ids_with_gaps_are_the_integers_they_were(exports, tmp_path):
    """As pandas writes them; NaN is a text, which null_values may name."""
    ids = {"a.parquet": "12345::double", "b.parquet": "'NaN'::double", "c.csv": None}
    files = {
        name: parquet_of(tmp_path, event_as_sql(user_id=value)) if value else csv_of(ROW)
        for name, value in ids.items()
    }
    found = exports.load(files, "*", null_values=["nan"])
    assert [user for _, user, *_ in found] == ["12345", "u1", None]


def test_a_folder_that_hides_what_a_file_is_is_named(content, exports):
    error = exports.load({"size=5/a.csv": content("csv")}, "*/a.csv", fails=True)
    assert (
        "size=5/a.csv is in a folder called filename=, content=, size= or last_modified=" in error
    )


@pytest.mark.parametrize(
    "marker", ["._a.csv", ".a.csv.crc", "~$a.csv", "_SUCCESS", "_committed_12", "_delta_log/0.json"]
)
def test_hidden_files_and_marks_that_a_glob_matches_are_no_input(marker, content, exports):
    files = {"a.csv": content("csv"), marker: "no events"}
    assert len(exports.load(files, ["*", "*/*"] if "/" in marker else "*")) == 1
    # where it is named, it is meant
    assert "dwell: " in exports.load(files, marker, fails=True)


NESTED = {
    "event": "view",
    "properties": {"id": "u1", "time": ROW[3], "a.b": {'"q"/~': "1.0"}, "$d": "d1"},
    "client": "web",
}
PATHS = {
    "event_name": "event",
    "user_id": "properties.id",
    "event_time": "properties.time",
    "app_version": None,
    "device_id": "properties.$d",
    "client": "client",
}


def nested(kind, folder):
    if kind == "jsonl":
        return json.dumps(NESTED) + "\n"
    if kind == "json in csv":
        text = json.dumps(NESTED["properties"]).replace('"', '""')
        return f'event,properties,client\nview,"{text}",web\n'
    of = {
        "struct": f"{{'id': 'u1', 'time': timestamp '{ROW[3]}', '$d': 'd1'}}",
        "map": f"map {{'id': 'u1', 'time': '{ROW[3]}', '$d': 'd1'}}",
        "json in parquet": f"'{json.dumps(NESTED['properties'])}'",
    }[kind]
    return parquet_of(folder, f"select 'view' as event, {of} as properties, 'web' as client")


@pytest.mark.parametrize("kind", ["jsonl", "json in csv", "struct", "map", "json in parquet"])
def test_a_path_names_a_value_within_a_column(kind, exports, tmp_path):
    name = {"jsonl": "a.jsonl", "json in csv": "a.csv"}.get(kind, "a.parquet")
    files = {name: nested(kind, tmp_path)}
    assert exports.load(files, name, events_columns=PATHS) == [("view", "u1", None, "d1", "web")]
    # a key that no row has is as good as a missing column
    absent = PATHS | {"user_id": "properties.ID"}
    error = exports.load(files, name, fails=True, events_columns=absent)
    assert "has no column properties.ID; it has " in error
    assert "No row has a key properties.ID. " in error
    for named in (["properties.ID", None], ["properties.ID", "props.id", "properties.id"]):
        exports.load(files, name, events_columns=absent | {"user_id": named})
        user = "u1" if None not in named else None
        assert exports.events() == [("view", user, None, "d1", "web")]
    error = exports.load(files, name, fails=True, events_columns=PATHS | {"user_id": "props.id"})
    assert "has no column props.id" in error


def test_a_key_that_one_row_of_many_has_is_there(exports):
    rows = [{"event": "view", "at": ROW[3], "properties": {"x": 1}, "device_id": "d"}] * 150
    rows.append(rows[0] | {"properties": {"id": None}})
    files = {"a.jsonl": "\n".join(map(json.dumps, rows))}
    columns = {"event_name": "event", "event_time": "at", "user_id": "properties.id"}
    columns |= {"app_version": None, "client": None}
    exports.load(files, "a.jsonl", events_columns=columns)
    assert exports.events() == [("view", None, None, "d", None)] * 151


GZIPPED = (("u1", "gz"), ("u2", "gzip"), ("u3", "GZIP"))

WRAPPED = {
    "an object": json.dumps({"results": [EVENT, EVENT | {"user_id": "u2"}], "next": None}),
    "on several lines": json.dumps({"results": [EVENT, EVENT | {"user_id": "u2"}]}, indent=2),
    "pages in lines": "".join(
        json.dumps({"next": n, "results": [EVENT | {"user_id": f"u{n}"}]}) + "\n" for n in (1, 2)
    ),
    "pages in an array": json.dumps(
        [{"results": [EVENT]}, {"results": []}, {"results": [EVENT | {"user_id": "u2"}]}]
    ),
}


@pytest.mark.parametrize("form", WRAPPED)
def test_rows_may_be_a_list_within_an_object(form, exports):
    found = exports.load({"a.json": WRAPPED[form]}, "a.json", events_json={"rows": "results"})
    assert [row[1] for row in found] == ["u1", "u2"]


def test_rows_may_lie_deep_and_what_is_none_is_rejected(exports):
    rows = [EVENT, None, "x", {**EVENT, "user_id": "u2"}]
    pages = [{"data": {"a/b": rows}}, {"data": {}}, {"error": "too many requests"}]
    files = {"a.json": "\n".join(map(json.dumps, pages))}
    found = exports.load(files, "a.json", events_json={"rows": "data.a/b"}, max_rejected_ratio=1)
    assert [row[1] for row in found] == ["u1", "u2"]
    # two elements that are no objects, and two pages that have no list
    assert exports.rejects() == [("unreadable_row", 4)]


def test_a_list_that_may_hold_the_rows_is_named(exports):
    error = exports.load({"a.json": WRAPPED["an object"]}, "a.json", fails=True)
    assert "If its rows are in the list results, set events_json: {rows: results}." in error


def test_any_key_can_be_named(exports):
    """A key of that very name comes before a path; the case of letters matters in JSON."""
    event = {
        'the "name"': "view",
        "user*id": "u1",
        "app.version": "1.0",
        "App.Version": "2.0",
        "app": {"version": "3.0"},
        "$d[0]": "d1",
        "cli\\ent/~": "web",
        "event_time": ROW[3],
    }
    columns = {
        "event_name": 'the "name"',
        "user_id": "user*id",
        "app_version": "app.version",
        "device_id": "$d[0]",
        "client": "cli\\ent/~",
    }
    files = {"a.jsonl": json.dumps(event) + "\n"}
    assert exports.load(files, "a.jsonl", events_columns=columns) == [
        ("view", "u1", "1.0", "d1", "web")
    ]


def test_files_may_differ_in_their_columns(content, exports):
    """Of a list of names, the first that a file has counts; null ends a list that may be missed."""
    files = {
        "1.csv": content("csv", user_id=None, app_version=None),
        "2.csv": content("csv", user_id="u2"),
        "3.jsonl": content("jsonl", user_id=None, customer="u3"),
    }
    names = {"user_id": ["user_id", "customer", None], "app_version": ["app_version", None]}
    found = exports.load(files, "*", events_columns=names)
    assert [(user, version) for _, user, version, *_ in found] == [
        ("u2", "1.0"),
        ("u3", "1.0"),
        (None, None),
    ]
    error = exports.load(
        files, "*", fails=True, events_columns={"user_id": ["user_id", "customer"]}
    )
    assert "1.csv has no column user_id or customer" in error


def test_a_constant_replaces_a_column_that_no_file_has(content, exports):
    """As in an export of one person."""
    files = {"a.csv": content("csv", user_id=None, device_id=None)}
    columns = {"user_id": {"value": "it's me"}, "device_id": None}
    assert exports.load(files, "a.csv", events_columns=columns) == [
        ("view", "it's me", "1.0", None, "web")
    ]


@pytest.mark.parametrize(
    "source",
    [5, True, "", " ", [], [[]], {}, {"value": None}, {"value": True}, {"values": 1}, [""]],
)
def test_what_is_no_source_of_a_column_is_refused(source, content, exports):
    error = exports.load(
        {"a.csv": content("csv")}, "a.csv", fails=True, events_columns={"user_id": source}
    )
    assert "events_columns maps user_id to " in error
    assert "{value: ...} for the same value in all rows" in error


# -- Text ------------------------------------------------------------------------------------------

TEXT = csv_of(ROW)


@pytest.mark.parametrize("note", ["a note", 'a\nnote, "", of\n\nlines;;;;'])
def test_a_header_may_have_lines_within_quotes(note, exports):
    named = {"user_id": "the\nuser"}
    header = ",".join((f'"{note}"', *HEADER)).replace("user_id", '"the\nuser"')
    row = f'"a\nb",{",".join(ROW)}'
    found = exports.load({"a.csv": f"{header}\n{row}\n{row}\nbroken\n"}, events_columns=named)
    assert found == [("view", "u1", "1.0", "d1", "web")] * 2
    rejected = exports.project.row("select source_row, unreadable_row from rejected_events")
    assert rejected == (3, "broken")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_gzip_may_be_spelt_out(kind, content, exports):
    files = {f"{name}.{kind}.{end}": content(kind, user_id=name) for name, end in GZIPPED}
    files = {name: gzip.compress(text.encode()) for name, text in files.items()}
    assert [row[1] for row in exports.load(files)] == ["u1", "u2", "u3"]


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("sep=;\n" + csv_of(ROW, delimiter=";"), {}),
        ("sep=,\r\n" + TEXT.replace("\n", "\r\n"), {}),
        ("# title\n\n# of July, by X; Y\n" + TEXT, {"skip": 3}),
        (TEXT.replace(",", "~"), {"delim": "~"}),
        (TEXT.split("\n", 1)[1], {"names": [*HEADER]}),
        ("a,header\n" + TEXT.split("\n", 1)[1], {"names": [*HEADER], "skip": 1}),
        (
            '"' + '";"'.join(HEADER) + '";"note (a, b, c, d, e, f, g)"\n' + ";".join(ROW) + ";x\n",
            {},
        ),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_text_is_read_as_programs_write_it(text, how, encoding, exports):
    """A byte order mark identifies UTF-16; Latin-1 must be named."""
    named = {"encoding": encoding} if encoding == "latin-1" else {}
    content = text.replace("web", "Zoë").encode(encoding)
    found = exports.load({"a.csv": content}, "a.csv", events_csv=how | named)
    assert found == [("view", "u1", "1.0", "d1", "zoë")]
    assert exports.rejects() == []


def test_columns_without_a_header_are_numbered(exports):
    columns = {name: f"column{i}" for i, name in enumerate(HEADER)} | {"client": "column6"}
    text = "".join("\t".join([*ROW[:5], f"x{i}", "web"]) + "\n" for i in range(3))
    found = exports.load(
        {"a.tsv": text}, "a.tsv", events_csv={"header": False}, events_columns=columns,
        drop_exact_duplicates=False,
    )  # fmt: skip
    assert found == [("view", "u1", "1.0", "d1", "web")] * 3


@pytest.mark.parametrize(
    ("before", "how", "row"),
    [("# a\n# b\n", {"skip": 2}, 2), ("", {}, 2), (None, {"header": False}, 2)],
)
def test_a_broken_row_is_counted_from_the_first(before, how, row, exports):
    lines = TEXT if before is not None else TEXT.split("\n", 1)[1]
    columns = {name: f"column{i}" for i, name in enumerate(HEADER)} if before is None else {}
    text = (before or "") + lines + "too,few\n" + ",".join(ROW).replace("u1", "u2") + "\n"
    found = exports.load({"a.csv": text}, "a.csv", events_csv=how, events_columns=columns)
    assert len(found) == 2
    assert exports.project.rows(
        "select reject_reason, source_row, unreadable_row from rejected_events"
    ) == [("unreadable_row", row, "too,few")]


def test_a_setting_gives_the_format_where_the_name_does_not(exports):
    for name, content, kind in (
        ("a.log", TEXT, "csv"),
        ("events", TEXT, "csv"),
        ("a.dat", json.dumps(EVENT) + "\n", "json"),
    ):
        error = exports.load({name: content}, name, fails=True)
        assert "For another name, set events_format" in error
        assert len(exports.load({name: content}, name, events_format=kind)) == 1


def test_text_of_another_encoding_is_named(exports):
    error = exports.load({"a.csv": TEXT.encode("utf-16-be")}, "a.csv", fails=True)
    assert "for text that is no UTF-8 events_csv, as in {encoding: latin-1}" in error
    error = exports.load({"a.csv": b"\xfe\xff" + TEXT.encode("utf-16-be")}, "a.csv", fails=True)
    assert "is UTF-16 with the high byte first" in error


# -- docs/how-to/exports.md -----------------------------------------------------------------------

SEGMENT = "id,user_id,anonymous_id,context_library_name,timestamp"
GA4 = {
    "event_date": "20240701",
    "event_timestamp": "1719835200000000",
    "event_name": "page_view",
    "event_params": [{"key": "page", "value": {"string_value": "/"}}],
    "user_pseudo_id": "1.2",
    "device": {"category": "mobile"},
    "app_info": {"version": "3.1"},
}
PROGRAMS = {
    "Google Analytics 4": (
        {
            "events_20240701.json": json.dumps(GA4 | {"user_id": "u1"}) + "\n",
            "events_20240702.json": json.dumps(GA4 | {"app_info": None, "event_name": "b"}) + "\n",
        },
        [("b", None, None, "1.2", "mobile"), ("page_view", "u1", "3.1", "1.2", "mobile")],
    ),
    "Segment": (
        {
            "tracks.csv": f"{SEGMENT},event,context_app_version\n"
            "1,u1,a1,analytics.js,2024-07-01T12:00:00.123Z,ordered,2.0\n",
            "pages.csv": f"{SEGMENT},name\n2,u1,a1,analytics.js,2024-07-01T12:01:00Z,Home\n",
        },
        [
            ("home", "u1", None, "a1", "analytics.js"),
            ("ordered", "u1", "2.0", "a1", "analytics.js"),
        ],
    ),
    "Amplitude": (
        {
            "export/1.json.gz": gzip.compress(
                json.dumps(
                    {
                        "event_type": "view",
                        "user_id": "u1",
                        "device_id": "d1",
                        "event_time": "2024-07-01 12:00:00.123000",
                        "version_name": "1.0",
                        "platform": "Web",
                        "uuid": "5e1d6b7e",
                        "event_properties": {"page": "/"},
                    }
                ).encode()
                + b"\n"
            )
        },
        [("view", "u1", "1.0", "d1", "web")],
    ),
    "Mixpanel": (
        {
            "export.jsonl": json.dumps(
                {
                    "event": "View",
                    "properties": {
                        "time": 1719835200,
                        "distinct_id": "u1",
                        "$device_id": "d1",
                        "$app_version_string": "1.0",
                        "mp_lib": "web",
                        "$insert_id": "a8f3",
                    },
                }
            )
        },
        [("view", "u1", "1.0", "d1", "web")],
    ),
    "PostHog": (
        {
            "posthog/1.jsonl": json.dumps(
                {
                    "uuid": "0190",
                    "event": "$pageview",
                    "distinct_id": "u1",
                    "timestamp": "2024-07-01T12:00:00.000000Z",
                    "properties": {"$device_id": "d1", "$lib": "web"},
                }
            )
        },
        [("$pageview", "u1", None, "d1", "web")],
    ),
    "Matomo": (
        {
            "Visits.csv": (
                "idVisit,visitorId,serverTimestamp,deviceType\n1,abc,1719835200,Desktop\n"
            ).encode("utf-16")
        },
        [("desktop", "abc", None, None, None)],
    ),
    "Plausible": (
        {
            "events_v2.csv": '"timestamp","name","site_id","user_id","session_id","browser"\n'
            '"2024-07-01 12:00:00","pageview",1,12246013408137414213,7,"Firefox"\n'
        },
        [("pageview", None, None, "12246013408137414213", "firefox")],
    ),
    "Snowplow": (
        {
            "enriched/1.tsv": "\t".join(
                ["shop", "web", "", "2024-07-01 12:00:00.500", "", "page_view", "e-0"]
                + [""] * 5
                + ["u1", "192.0.2.1", "", "d1"]
                + [""] * 114
                + ["1.0"]
            )
            + "\n"
        },
        [("page_view", "u1", None, "d1", "web")],
    ),
    "Adobe Analytics": (
        {"hit_data.tsv": '1719835200\t3456\t7890\tHome\tSay \\"hi\\"\n'},
        [("home", "7890", None, "3456", None)],
    ),
    "MongoDB": (
        {
            "events.json": json.dumps(
                EVENT | {"user_id": {"$oid": "64b1"}, "event_time": {"$date": ROW[3]}}
            )
        },
        [("view", "64b1", "1.0", "d1", "web")],
    ),
}


# {program: (file, heartbeats, (user, program, session, device, seconds))}
NOTICE = {"NotificationType": "PlaybackProgress", "UserId": "u1", "ItemId": "film"}
NOTICE |= {"DeviceId": "d1", "DeviceName": "TV", "PlaybackPositionTicks": 0}
ACTIVITY = {"session_key": "291", "user_id": 133788, "rating_key": "4348", "player": "TV"}
PLAYERS = {
    "Jellyfin": (
        "jellyfin/1.jsonl",
        [NOTICE | {"UtcTimestamp": f"2024-07-01T12:00:{s}.1234567Z"} for s in (10, 20, 30)],
        ("u1", "film", "d1", "TV", 20.0),
    ),
    "Tautulli": (
        "tautulli/1.jsonl",
        [ACTIVITY | {"event_time": 1719835200.25 + s} for s in (0, 10, 20)],
        ("133788", "4348", "291", "TV", 20.0),
    ),
}


def settings_in_docs():
    """Return {program: settings} of docs/how-to/exports.md."""
    text = (ROOT / "docs" / "how-to" / "exports.md").read_text()
    found = re.findall(r"^## (.+)\n(?:(?!^## ).*\n)*?```yaml\n((?:.*\n)*?)```", text, re.MULTILINE)
    return {program: yaml.safe_load(block) for program, block in found}


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_export_of_a_program_is_loaded_by_the_settings_in_the_docs(program, exports):
    settings = settings_in_docs()[program]
    files, expected = PROGRAMS[program]
    assert exports.load(files, settings.pop("events_path"), **settings) == expected


@pytest.mark.parametrize("player", PLAYERS)
def test_the_heartbeats_of_a_player_are_loaded_by_the_settings_in_the_docs(player, tmp_path):
    settings = settings_in_docs()[player]
    file, heartbeats, expected = PLAYERS[player]
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).write_text("".join(json.dumps(h) + "\n" for h in heartbeats))
    settings["heartbeats_path"] = str(tmp_path / settings["heartbeats_path"])
    settings |= {"watch_as_of": "2024-07-02T00:00:00Z", "source_timezone": "Europe/Berlin"}
    project = Project(tmp_path, **settings)
    project.run("run", "--select", "+fct_watch_streams")
    assert project.rows(
        "select user_id, program_id, session_id, device, stream_duration from fct_watch_streams"
    ) == [expected]


def test_every_program_in_the_docs_is_tested():
    assert settings_in_docs().keys() == PROGRAMS.keys() | PLAYERS.keys()
