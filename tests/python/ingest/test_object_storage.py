"""Events are read from object storage and web servers as from a disk; an S3 server runs here."""

import os
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread

import boto3
import duckdb
import pytest
from duckdb_extensions import import_extension
from moto.server import ThreadedMotoServer
from support.events import HEADER, write_events
from support.project import Project

BUCKET = "lake"
SECRET = "a/secret+with=signs'and-quotes"


def rows(*users):
    return [("view", user, "2025-01-01 10:00") for user in users]


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


@pytest.fixture(scope="module", autouse=True)
def httpfs():
    """From PyPI into the home folder, where DuckDB finds it; anyone else's is downloaded by it."""
    if version("duckdb_extension_httpfs") != duckdb.__version__:
        pytest.skip(f"PyPI has no httpfs for DuckDB {duckdb.__version__}")
    Path.home().mkdir(parents=True, exist_ok=True)
    import_extension("httpfs")


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(endpoint, monkeypatch):
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    bucket = boto3.resource("s3", region_name="us-east-1").Bucket(BUCKET)
    bucket.create()
    yield bucket
    bucket.objects.delete()
    bucket.delete()


def load(project, fails=False):
    selected = ["--select", "+fct_sessions", "rejected_events", "event_reconciliation"]
    return project.run("run", "--target", "s3", *selected, fails=fails)


def users(project):
    return [user for (user,) in project.rows("select user_id from fct_sessions order by 1")]


def test_files_in_a_bucket_are_found_by_a_glob_and_read_once(project, bucket, tmp_path):
    project = project(events_path=f"s3://{BUCKET}/events/**/*.csv")
    file = write_events(tmp_path / "a.csv", rows("ann", "bob"))
    bucket.upload_file(str(file), "events/2025/a file's.csv")
    bucket.upload_file(str(file), "elsewhere/b.csv")
    load(project)
    assert users(project) == ["ann", "bob"]
    (first,) = project.rows("select source, size_bytes, modified_at from dwell_event_loads")
    assert first[:2] == (f"s3://{BUCKET}/events/2025/a file's.csv", file.stat().st_size)
    # one more file, with a row that is broken
    file.write_text(",".join(HEADER) + "\nview,cay,1,2025-01-01,d,w\nbroken\n")
    bucket.upload_file(str(file), "events/2026/b.csv")
    load(project)
    assert users(project) == ["ann", "bob", "cay"]
    assert project.rows("select source, source_row, unreadable_row from rejected_events") == [
        (f"s3://{BUCKET}/events/2026/b.csv", 2, "broken")
    ]
    assert first in project.rows("select source, size_bytes, modified_at from dwell_event_loads")


def test_other_formats_come_from_a_bucket_too(project, bucket, tmp_path):
    file = write_events(tmp_path / "a.csv", rows("ann"))
    duckdb.execute(f"copy (from read_csv('{file}')) to '{tmp_path}/a.parquet'")
    renamed = "* replace ('bob' as user_id, event_time::varchar as event_time)"
    duckdb.execute(f"copy (select {renamed} from read_csv('{file}')) to '{tmp_path}/a.jsonl.gz'")
    for name in ("a.parquet", "a.jsonl.gz"):
        bucket.upload_file(f"{tmp_path}/{name}", name)
    project = project(events_path=[f"s3://{BUCKET}/a.parquet", f"s3://{BUCKET}/*.gz"])
    load(project)
    assert users(project) == ["ann", "bob"]


def test_an_object_that_changed_or_is_gone_is_an_error(project, bucket, tmp_path):
    project = project(events_path=f"s3://{BUCKET}/*.csv")
    file = str(write_events(tmp_path / "a.csv", rows("ann")))
    for key in ("a.csv", "b.csv"):
        bucket.upload_file(file, key)
    load(project)
    bucket.upload_file(str(write_events(tmp_path / "c.csv", rows("ann", "bob"))), "a.csv")
    assert f"dwell: s3://{BUCKET}/a.csv has changed since it was loaded" in load(project, True)
    bucket.Object("a.csv").delete()
    load(project)
    error = project.run("run", "--target", "s3", fails=True, full_refresh=True)
    assert f"dwell: a full refresh would lose the events of s3://{BUCKET}/a.csv" in error
    assert users(project) == ["ann"]


@pytest.mark.parametrize("path", ["none.csv", "none/*.csv"])
def test_an_object_that_does_not_exist_is_an_error(path, project, bucket):
    project = project(events_path=f"s3://{BUCKET}/{path}")
    assert f"dwell: events_path names no file: s3://{BUCKET}/{path}." in load(project, True)


@pytest.mark.parametrize(("path", "found"), [("a[1].csv", ["ann"]), ("*.csv", ["ann", "bob"])])
def test_a_key_with_the_marks_of_a_pattern_is_a_key(path, found, project, bucket, tmp_path):
    for user, key in (("ann", "a[1].csv"), ("bob", "a1.csv")):
        bucket.upload_file(str(write_events(tmp_path / "x.csv", rows(user))), key)
    project = project(events_path=f"s3://{BUCKET}/{path}")
    load(project)
    assert users(project) == found


@pytest.mark.parametrize("path", ["a?.csv", "*.csv"])
def test_a_question_mark_in_a_key_is_named(path, project, bucket, tmp_path):
    bucket.upload_file(str(write_events(tmp_path / "x.csv", rows("ann"))), "a?.csv")
    error = load(project(events_path=f"s3://{BUCKET}/{path}"), fails=True)
    assert "DuckDB takes what follows it in the address of an object for options" in error


def test_keys_are_stored_nowhere(project, bucket, tmp_path):
    bucket.upload_file(str(write_events(tmp_path / "a.csv", rows("ann"))), "a.csv")
    project = project(events_path=f"s3://{BUCKET}/a.csv")
    load(project)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 5
    for part in (SECRET, SECRET.replace("'", "''")):
        assert [path for path in written if part.encode() in path.read_bytes()] == []


def test_local_files_need_no_keys_and_no_extension(project, tmp_path, monkeypatch):
    """In a home folder without extensions, under the target that one gets without asking."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", f"{tmp_path}/home")
    project = project(events_path=str(write_events(tmp_path / "a.csv", rows("ann"))))
    project.run("run", "--select", "+fct_sessions")
    assert users(project) == ["ann"]


def test_an_error_names_a_missing_key(project, tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    assert "AWS_ACCESS_KEY_ID" in load(project(events_path="s3://x/*.csv"), fails=True)


class SilentHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def web(tmp_path):
    """A web server that knows byte ranges no better than Python's own."""
    handler = partial(SilentHandler, directory=f"{tmp_path}/web")
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_file_that_a_web_server_does_not_have_is_an_error(web, project, tmp_path):
    (tmp_path / "web").mkdir()
    error = project(events_path=f"{web}/none.csv").run(
        "run", "--select", "+fct_sessions", fails=True
    )
    assert "names a file that is not there, or that this user may not open" in error


def test_a_file_on_a_web_server_is_read_and_not_opened_again(web, project, tmp_path):
    write_events(tmp_path / "web" / "a.csv", rows("ann", "bob"))
    project = project(events_path=f"{web}/a.csv")
    project.run("run", "--select", "+fct_sessions")
    assert users(project) == ["ann", "bob"]
    project.run("run", "--select", "+fct_sessions")
    assert project.row("select count(*), max(size_bytes) from dwell_event_loads") == (
        1,
        (tmp_path / "web" / "a.csv").stat().st_size,
    )
