"""What cannot be read or believed is kept: its row, the reason, and what it was."""

import json
import os
import shutil
from hashlib import sha256

import duckdb
import pytest
from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper
from dbt.cli.main import dbtRunner
from support.events import HEADER, MODIFIED
from support.project import ROOT, Project, keep_log, release

HEADER_LINE = ",".join(HEADER) + "\n"
GOOD = "view,u,1,2025-01-01T10:00:00Z,d,web\n"
GOOD_OBJECT = dict(zip(HEADER, GOOD.strip().split(","), strict=True))
GOOD_LINE = json.dumps(GOOD_OBJECT) + "\n"


def load(project):
    project.run("run", "--select", "+fct_sessions", "rejected_events", "event_reconciliation")


def write(folder, files):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        content = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(content)
        os.utime(folder / name, (MODIFIED, MODIFIED))


@pytest.fixture(scope="module")
def parsed(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("parsed"), events_path="none").manifest()


@pytest.fixture
def project(parsed, tmp_path):
    """A project that is not parsed again: its settings change no `ref` and no config."""

    def make(**settings):
        project = Project(tmp_path, **settings)
        project._manifest = parsed
        return project

    return make


@pytest.fixture(scope="module")
def landing(parsed, tmp_path_factory):
    """One project for whatever its landing folder holds."""
    folder = tmp_path_factory.mktemp("rejects")
    project = Project(folder, events_path=f"{folder}/landing/*", max_rejected_ratio=1)
    project._manifest = parsed

    def load_files(files):
        project.database.unlink(missing_ok=True)
        write(folder / "landing", files)
        load(project)
        return project

    return load_files


def rejects(project, columns="source_row, reject_reason, unreadable_row"):
    return project.rows(f"select {columns} from rejected_events order by source, source_row")


def counts(project):
    """{file: (read, accepted, duplicate, rejected)}, all of it balanced."""
    rows = project.rows(
        """select parse_filename(source), rows_read, rows_accepted, rows_duplicate, rows_rejected,
        is_balanced from event_reconciliation"""
    )
    assert all(row[-1] for row in rows), rows
    return {row[0]: row[1:-1] for row in rows}


BROKEN = {
    "too few columns": "a,b",
    "too many columns": "a,b,c,d,e,f,g",
    "more after a closing quote": 'a,"b"c,1,t,d,w',
    "one column": "a",
}


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_broken_csv_rows_keep_their_row_numbers(landing, end):
    rows = [GOOD, "view,,1,2025-01-01T10:00:00Z,,web\n"]
    for row in BROKEN.values():
        rows += [row + "\n", GOOD]
    rows += ["view,u,1,,d,web\n"]
    content = (HEADER_LINE + "".join(rows)).replace("\n", end)
    project = landing({"a.csv": content})
    assert rejects(project) == [
        (2, "missing_user_and_device", None),
        (3, "unreadable_row", "a,b"),
        (5, "unreadable_row", "a,b,c,d,e,f,g"),
        (7, "unreadable_row", 'a,"b"c,1,t,d,w'),
        (9, "unreadable_row", "a"),
        (11, "missing_event_time", None),
    ]
    assert counts(project) == {"a.csv": (11, 1, 4, 6)}


def test_a_row_of_several_lines_is_one_row(landing):
    several = 'view,u,1,2025-01-01T10:00:00Z,"d\n\n1",web\n'
    project = landing({"a.csv": HEADER_LINE + several + "x,y\n" + several + "view,,1,,,web\n"})
    assert rejects(project, "source_row") == [(2,), (4,)]
    assert counts(project) == {"a.csv": (4, 1, 1, 2)}


def test_an_unterminated_quote_takes_the_rest_of_the_file_with_it_as_a_reject(landing):
    rest = 'view,"u,1,2025-01-01T10:00:00Z,d,web\n' + GOOD * 3
    project = landing({"a.csv": HEADER_LINE + GOOD + "x,y\n" + rest})
    assert rejects(project) == [(2, "unreadable_row", "x,y"), (3, "unreadable_row", rest)]
    assert counts(project) == {"a.csv": (3, 1, 0, 2)}


def test_bytes_that_are_no_utf_8_make_a_row_unreadable_and_no_other(landing):
    latin = "view,u,1,2025-01-01T10:00:00Z,d,Zürich\n".encode("latin-1")
    line = json.dumps(GOOD_OBJECT | {"client": "Zürich"}, ensure_ascii=False).encode("latin-1")
    project = landing(
        {
            "a.csv": HEADER_LINE.encode() + GOOD.encode() + latin + GOOD.encode(),
            "b.jsonl": GOOD_LINE.encode() + line + b"\n" + GOOD_LINE.encode(),
        }
    )
    # DuckDB shows a question mark for what it cannot read
    assert rejects(project) == [
        (2, "unreadable_row", "view,u,1,2025-01-01T10:00:00Z,d,Z?rich"),
        (2, "unreadable_row", line.decode("ascii", "replace").replace("\ufffd", "?")),
    ]


def test_bytes_in_a_column_that_is_not_read_do_no_harm(landing):
    note = (GOOD.strip() + ",Zürich\n").encode("latin-1")
    project = landing({"a.csv": (HEADER_LINE.strip() + ",note\n").encode() + note * 2})
    assert counts(project) == {"a.csv": (2, 1, 1, 0)}


def test_a_broken_first_row_does_not_hide_the_unit_of_the_times(landing):
    first = 'view,"u"u,1,1735725600,d,web\n'
    project = landing({"a.csv": HEADER_LINE + first + "view,u,1,1735725600,d,web\n"})
    assert counts(project) == {"a.csv": (2, 1, 0, 1)}


def test_a_row_beyond_the_length_of_a_line_is_unreadable(landing):
    long = "x" * 2_100_000
    project = landing({"a.csv": HEADER_LINE + long + "\n" + GOOD, "b.jsonl": GOOD_LINE + long})
    assert rejects(project, "source_row, reject_reason") == [
        (1, "unreadable_row"),
        (2, "unreadable_row"),
    ]
    assert counts(project) == {"a.csv": (2, 1, 0, 1), "b.jsonl": (2, 0, 1, 1)}


def test_broken_json_lines_keep_their_row_numbers(landing):
    """Lines are counted as an editor counts them, blank ones too; these are no rows."""
    no_user = json.dumps({"event_name": "view", "event_time": "2025-01-01T10:00:00Z"})
    lines = ['_name": "cut"}', GOOD_LINE.strip(), "", "{", "[1]", '"text"', "null", "7", no_user]
    project = landing({"a.jsonl": "\n".join(lines)})
    assert rejects(project) == [
        (1, "unreadable_row", '_name": "cut"}'),
        (4, "unreadable_row", "{"),
        (5, "unreadable_row", "[1]"),
        (6, "unreadable_row", '"text"'),
        (7, "unreadable_row", "null"),
        (8, "unreadable_row", "7"),
        (9, "missing_user_and_device", None),
    ]
    assert counts(project) == {"a.jsonl": (8, 1, 0, 7)}


def test_what_is_no_object_in_a_json_array_is_unreadable(landing):
    array = [GOOD_OBJECT, 5, None, [GOOD_OBJECT], GOOD_OBJECT | {"event_time": "?"}]
    project = landing({"a.json": json.dumps(array)})
    nested = json.dumps([GOOD_OBJECT]).replace(": ", ":").replace(", ", ",")
    found = rejects(project)
    found[2] = (*found[2][:2], found[2][2].replace(": ", ":").replace(", ", ","))
    assert found == [
        (2, "unreadable_row", "5"),
        (3, "unreadable_row", "null"),
        (4, "unreadable_row", nested),
        (5, "unreadable_event_time", None),
    ]


def test_rows_are_numbered_by_the_file_where_files_are_read_together(landing, tmp_path):
    """Files that are laid out alike are one scan; each has rejects in rows of its own."""
    no_user = "view,,1,2025-01-01T10:00:00Z,,web\n"
    line_without_user = json.dumps({"event_name": "view"}) + "\n"
    files, expected = {}, []
    for n in range(1, 4):
        # n good rows, a broken one, one of no user, and both again
        csv = GOOD * n + "x\n" + no_user + "x\n" + no_user
        lines = GOOD_LINE * n + "x\n" + line_without_user + "\n" + line_without_user
        files |= {f"{n}.csv": HEADER_LINE + csv, f"{n}.jsonl": lines, f"{n}.tsv": ""}
        files[f"{n}.tsv"] = files[f"{n}.csv"].replace(",", "\t")
        duckdb.execute(
            f"""copy (select 'view' as event_name, if(i < {n}, 'u', null) as user_id, '1' as
            app_version, timestamp '2025-01-01 10:00:00' as event_time, null as device_id,
            'web' as client from range({n} + 2) t(i)) to '{tmp_path}/{n}.parquet'"""
        )
        files[f"{n}.parquet"] = (tmp_path / f"{n}.parquet").read_bytes()
        for name in (f"{n}.csv", f"{n}.tsv"):
            expected += [(name, n + 1, None), (name, n + 2, "view")]
            expected += [(name, n + 3, None), (name, n + 4, "view")]
        expected += [
            (f"{n}.jsonl", row, name)
            for row, name in zip((n + 1, n + 2, n + 4), (None, "view", "view"), strict=True)
        ]
        expected += [(f"{n}.parquet", n + 1, "view"), (f"{n}.parquet", n + 2, "view")]
    project = landing(files)
    found = rejects(project, "parse_filename(source), source_row, event_name")
    assert sorted(found, key=str) == sorted(expected, key=str)
    read = {"csv": 4, "tsv": 4, "jsonl": 3, "parquet": 2}
    assert {name: (c[0], c[3]) for name, c in counts(project).items()} == {
        f"{n}.{kind}": (n + more, more) for n in range(1, 4) for kind, more in read.items()
    }


def test_a_later_run_numbers_its_own_files(landing):
    """What was broken in the files of an earlier run is not reported again."""
    project = landing({"a.csv": HEADER_LINE + "x\n" + GOOD + "view,,,,,\n"})
    landed = project.folder / "landing" / "b.csv"
    landed.write_text(HEADER_LINE + GOOD + "view,,,,,\n" + "y\n")
    load(project)
    assert rejects(project, "parse_filename(source), source_row, unreadable_row") == [
        ("a.csv", 1, "x"),
        ("a.csv", 3, None),
        ("b.csv", 2, None),
        ("b.csv", 3, "y"),
    ]
    assert counts(project) == {"a.csv": (3, 1, 0, 2), "b.csv": (3, 0, 1, 2)}


def test_rows_far_into_a_large_file_keep_their_numbers(landing):
    """Larger than what is read at once, by several threads."""
    rows = [GOOD] * 900_000
    numbers = [1, 2048, 2049, 122_880, 700_000, 899_999, 900_000]
    for n, number in enumerate(numbers):
        rows[number - 1] = f"broken {n}\n" if n % 2 else f"no_user {n},,1,2025-01-01,,web\n"
    project = landing({"a.csv": HEADER_LINE + "".join(rows)})
    assert [row for (row,) in rejects(project, "source_row")] == numbers


REASONS = {
    # the first that applies is reported
    "missing_user_and_device": ["view,,1,2025-01-01T10:00:00Z, ,web", "view, ,1,,,web"],
    "missing_event_time": ["view,u,1,,d,web", "view,u,1,  ,d,web"],
    "unreadable_event_time": ["view,u,1,soon,d,web", "view,u,1,2025-02-30T10:00:00Z,d,web"],
    "before_earliest_event_date": ["view,u,1,1999-12-31T23:59:59Z,d,web"],
    # 61 minutes after the file was written, 2026-02-02T02:40:00Z; an hour is believed
    "in_the_future": ["view,u,1,2026-02-02T03:41:00Z,d,web", "view,u,1,9999-01-01T00:00:00Z,d,web"],
}


def test_every_reason_keeps_the_values_as_they_came(landing):
    rows = [(row, reason) for reason, several in REASONS.items() for row in several]
    believed = ["view,u,1,2000-01-01T00:00:00Z,d,web", "view,u,1,2026-02-02T03:40:00Z,d,web"]
    lines = [HEADER_LINE.strip(), *believed, *(row for row, _ in rows)]
    project = landing({"a.csv": "\n".join(lines)})
    found = rejects(project, f"source_row, reject_reason, {', '.join(HEADER)}")
    assert [(r[0], r[1]) for r in found] == [(n, why) for n, (_, why) in enumerate(rows, 3)]
    assert [[value or "" for value in r[2:]] for r in found] == [row.split(",") for row, _ in rows]
    assert counts(project) == {"a.csv": (len(rows) + 2, 2, 0, len(rows))}


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        ("header.csv", HEADER_LINE, (0, 0, 0, 0)),
        ("header_alone.csv", HEADER_LINE.strip(), (0, 0, 0, 0)),
        ("rejects.csv", HEADER_LINE + "x\n" + "view,,,,,\n" + "y\n", (3, 0, 0, 3)),
        ("broken.csv", HEADER_LINE + "x\n" * 3, (3, 0, 0, 3)),
        ("rejects.jsonl", "{}\n".replace("{}", json.dumps(dict.fromkeys(HEADER))), (1, 0, 0, 1)),
        ("normal.csv", HEADER_LINE + GOOD * 3, (3, 1, 2, 0)),
    ],
)
def test_the_reconciliation_is_balanced(name, content, read, landing):
    assert counts(landing({name: content})) == {name: read}


def test_a_relation_has_rejects_without_a_row_number(project):
    project = project(events_relation="raw.events", max_rejected_ratio=1)
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create schema raw")
        connection.execute(f"create table raw.events ({' varchar, '.join(HEADER)} varchar)")
        connection.execute("insert into raw.events (event_name, client) values ('View ', 'web')")
    load(project)
    assert rejects(project, "source, source_row, reject_reason, event_name, client") == [
        ("raw.events", None, "missing_user_and_device", "View ", "web")
    ]
    assert counts(project) == {"raw.events": (1, 0, 0, 1)}


# -- Pseudonyms ------------------------------------------------------------------------------------

KEY = 'it\'s a salt; of "36" characters \\ ok'
ID = "clear-id-4711"
OTHER_ID = "clear-id-0815"


def pseudonym(user_id, key=KEY):
    return sha256(f"{key}\x1f{user_id}".encode()).hexdigest()[:32]


def private_files():
    row = f"view, {ID} ,1,2025-01-01T10:00:00Z,d,web\n"
    other = f"view,{OTHER_ID},1,2025-01-01T10:00:00Z,d,web\n"
    rejected = [f"view,{ID},1,soon,d,web\n", f"view,{ID},1,2999-01-01,d,web\n", f"{ID}\n"]
    rejected += [f"view,{ID},1,2025-01-01,d,web,more\n"]
    objects = [{"user_id": ID, **GOOD_OBJECT}, [ID]]
    return {
        "a.csv": HEADER_LINE + row * 2 + other + "".join(rejected) + f'view,"{ID},1,1,1,1\n',
        "b.jsonl": "".join(json.dumps(o) + "\n" for o in objects) + f"{{{ID}\n",
        "c.json": json.dumps([GOOD_OBJECT | {"user_id": ID, "event_time": "never"}, ID]),
    }


def tables_that_hold(project, text, besides=()):
    tables = project.rows(
        """select format('"{}"."{}"', table_schema, table_name) from information_schema.tables"""
    )
    assert len(tables) > 10
    return [
        table
        for (table,) in tables
        if table not in besides
        and project.row(f"select count(*) from {table} as t where contains(t::varchar, '{text}')")
        != (0,)
    ]


def files_that_hold(folder, text):
    return [
        path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()
    ]


def with_key(folder, text=f"{KEY}\r\n"):
    """Write a key into a file of an odd name; return the settings that name it."""
    path = folder / "its [key].txt"
    path.write_bytes(text.encode())
    return {"pseudonymize_user_ids": True, "pseudonym_key_file": str(path)}


@pytest.fixture
def private(project, tmp_path, monkeypatch):
    keep_log(monkeypatch)
    write(tmp_path / "landing", private_files())
    project = project(
        events_path=f"{tmp_path}/landing/*", max_rejected_ratio=1, **with_key(tmp_path)
    )
    project.run("run")
    return project


def write_all_that_dbt_writes(project):
    """Compiled SQL, the manifest, results and logs, as a run from the command line does."""
    project.database.unlink()
    folder, root = str(project.folder), str(ROOT)
    settings = json.dumps(project.settings)
    paths = ["--target-path", f"{folder}/target", "--log-path", f"{folder}/logs"]
    paths += ["--project-dir", root, "--profiles-dir", root]
    result = dbtRunner().invoke(["--quiet", "run", *paths, "--vars", settings])
    release()
    assert result.success
    assert files_that_hold(project.folder / "target", "int_web__events_sessionized")
    assert files_that_hold(project.folder / "logs", "int_web__events_sessionized")


def test_with_pseudonyms_no_clear_user_id_is_stored_and_no_key_is_written(private):
    write_all_that_dbt_writes(private)
    assert tables_that_hold(private, "clear-id") == []
    assert files_that_hold(private.folder / "target", "clear-id") == []
    assert files_that_hold(private.folder / "logs", "clear-id") == []
    assert b"clear-id" not in private.database.read_bytes()
    for part in (KEY, KEY.replace("'", "''"), json.dumps(KEY)[1:-1]):
        assert files_that_hold(private.folder / "target", part) == []
        assert files_that_hold(private.folder / "logs", part) == []
        assert tables_that_hold(private, part.replace("'", "''")) == []


def test_one_id_is_one_pseudonym_wherever_it_occurs(private):
    users = dict(private.rows("select user_id, sum(event_count) from fct_sessions group by all"))
    assert users == {pseudonym(ID): 1, pseudonym(OTHER_ID): 1, pseudonym("u"): 1}
    rejected = private.rows("select user_id from rejected_events where unreadable_row is null")
    assert rejected == [(pseudonym(ID),)] * 3
    # what cannot be parsed may hold an id anywhere
    withheld = private.rows(
        "select unreadable_row from rejected_events where unreadable_row is not null order by 1"
    )
    assert len(withheld) == 6
    assert all(row.startswith("(withheld: ") for (row,) in withheld)
    assert f"(withheld: {len(ID)} characters, {pseudonym(ID)})" in [row for (row,) in withheld]
    # and so in a later run
    more = HEADER_LINE + f"view,{ID},1,2025-01-01T10:10:00Z,d,web\n"
    (private.folder / "landing" / "later.csv").write_text(more)
    private.run("run")
    assert private.row(
        f"select event_count from fct_sessions where user_id = '{pseudonym(ID)}'"
    ) == (2,)


def test_another_key_gives_other_pseudonyms_and_needs_a_full_refresh(private, tmp_path):
    other = "quite another key"
    with_key(tmp_path, other)
    error = private.run(fails=True)
    assert "dwell: the tables were built with other settings: pseudonym_key was" in error
    private.run("run", full_refresh=True)
    users = {user for (user,) in private.rows("select user_id from fct_sessions")}
    assert users == {pseudonym(ID, other), pseudonym(OTHER_ID, other), pseudonym("u", other)}


@pytest.mark.parametrize("name", ["its [key].txt", "key.txt"])
@pytest.mark.parametrize(
    "key", [None, b"", b"15 characters..\n", b"\xff\xfe not UTF-8, but long enough"]
)
def test_without_a_key_of_16_characters_nothing_is_loaded(key, name, project, tmp_path):
    write(tmp_path / "landing", private_files())
    if key is not None:
        (tmp_path / name).write_bytes(key)
    project = project(events_path=f"{tmp_path}/landing/*", pseudonymize_user_ids=True)
    project.settings["pseudonym_key_file"] = f"{tmp_path}/{name}"
    error = project.run("run", fails=True)
    assert f'16 characters or more, not "{tmp_path}/{name}". Write one' in error


def test_a_key_that_is_lost_during_a_run_gives_no_pseudonyms(project, tmp_path, monkeypatch):
    write(tmp_path / "landing", private_files())
    project = project(events_path=f"{tmp_path}/landing/*", **with_key(tmp_path))
    execute = DuckDBCursorWrapper.execute

    def without_key(self, sql, bindings=None):
        if "raw_user_id" in sql:
            with_key(tmp_path, "short")
        return execute(self, sql, bindings)

    monkeypatch.setattr(DuckDBCursorWrapper, "execute", without_key)
    assert "dwell: there is no key for pseudonyms" in project.run("run", fails=True)


def test_of_a_relation_only_the_input_itself_holds_clear_ids(project, tmp_path):
    project = project(events_relation="raw.events", **with_key(tmp_path))
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create schema raw")
        connection.execute(f"create table raw.events ({' varchar, '.join(HEADER)} varchar)")
        row = f"'view', '{ID}', '1', '2025-01-01', 'd', 'web'"
        rejected = row.replace("2025-01-01", "soon")
        connection.execute(f"insert into raw.events values ({row}), ({row}), ({rejected})")
    project.run("run")
    assert tables_that_hold(project, "clear-id", besides=['"raw"."events"']) == []
    assert project.rows("select user_id from fct_sessions") == [(pseudonym(ID),)]
