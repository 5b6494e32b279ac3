"""Malformed input of every kind ends in a sentence, or in rejects that add up."""

import os
import random
import re
import shutil
from collections import Counter

import duckdb
import pytest
from support import malformed
from support.events import MODIFIED, write_events
from support.project import ROOT, Project

from dwell.build.compressed_files import validate_compressed_files
from dwell.cli.main import main
from dwell.dbt import vars as dbt_vars
from dwell.exceptions import CorruptFileError, UsageError
from dwell.runtime.terminal import escape

SEED = int(os.environ.get("DWELL_SEED", "0"))
# of the values that any setting may get wrongly, how many each gets
SOME = 2
# of what is refused, make test tries one in so many, and make test-malformed all
ONE_IN = 4
DOCS = ROOT / "docs" / "reference" / "malformed-input.md"
RULE = ("--select", "+fct_sessions", "+fct_watch_streams")
READ = (*RULE, "rejected_events", "event_reconciliation", "rejected_heartbeats")
READ += ("heartbeat_reconciliation", "fct_events", "ongoing_watch_streams")


def write(folder, files):
    """Write files, received after all that they hold."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, (MODIFIED, MODIFIED))


def with_canary(project):
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create table canary as select 1 as alive")


def test_the_docs_count_the_cases():
    """Those of this file; docs/reference/malformed-input.md counts them by family."""
    rng = random.Random(SEED)
    counted = Counter(case.family for case in files_read(SEED).values())
    counted |= Counter(case.family for case in malformed.files_refused(rng))
    counted["Settings"] = len(list(malformed.settings_refused(rng, SOME)))
    counted["Compressed files"] = len(list(malformed.packed_files(rng)))
    counted["VARS and EVENTS of make"] = len(malformed.VARS + malformed.EVENTS)
    counted["Commands"] = len(malformed.COMMANDS)
    page = DOCS.read_text()
    listed = re.findall(r"^\| (.+?) \| ([0-9]+) \|", page, re.MULTILINE)
    assert {family: int(number) for family, number in listed} == counted
    assert f"makes {counted.total():,} inputs" in page


# -- What is read ----------------------------------------------------------------------------------


def files_read(seed):
    """Return the files that are read, by their paths under a folder of each input."""
    rng = random.Random(seed)
    makers = (
        malformed.csv_read,
        malformed.csv_files_read,
        malformed.json_read,
        malformed.parquet_read,
    )
    made = [case for name in malformed.INPUTS for make in makers for case in make(rng, name)]
    return {f"{case.input}/{case.name}": case for case in made}


@pytest.fixture(scope="module")
def cases():
    return files_read(SEED)


@pytest.fixture(scope="module")
def read(cases, tmp_path_factory):
    """All of them loaded by one run."""
    folder = tmp_path_factory.mktemp("malformed")
    paths = {f"{name}_path": f"{folder}/{name}/*" for name in malformed.INPUTS}
    project = Project(folder, max_rejected_ratio=1, **paths)
    with_canary(project)
    for path, case in cases.items():
        write((folder / path).parent, {case.name: case.content})
    project.run("run", *READ)
    return project


RECONCILED = {
    "events": "rows_accepted, rows_duplicate",
    "heartbeats": "rows_accepted, rows_redelivered",
}


def what_became(project):
    """Return {path: (read, accepted, again, rejected, reasons, balanced)}."""
    found = {}
    for name, counted in RECONCILED.items():
        reasons = {}
        for source, reason in project.rows(f"select source, reject_reason from rejected_{name}"):
            reasons.setdefault(source, []).append(reason)
        for source, *counts, is_balanced in project.rows(
            f"""select source, rows_read, {counted}, rows_rejected, is_balanced
            from {name[:-1]}_reconciliation"""
        ):
            path = source.removeprefix(f"{project.folder}/")
            found[path] = (*counts, sorted(reasons.get(source, [])), is_balanced)
    return found


def expected(case):
    """Return what must become of a file, in the form of what_became."""
    rejected = len(case.reasons)
    return (case.records, len(case.users), 0, rejected, sorted(case.reasons), True)


def test_no_record_of_a_malformed_file_is_lost_and_each_that_is_none_has_its_reason(cases, read):
    found = what_became(read)
    wrong = [
        f"{path} ({case.fault}): {found.get(path)}, not {expected(case)}"
        for path, case in cases.items()
        if found.get(path) != expected(case)
    ]
    assert not wrong, "\n".join(wrong)
    assert found.keys() == cases.keys()


@pytest.mark.parametrize(
    ("input", "query"),
    [
        ("events", "select user_id from fct_events"),
        (
            "heartbeats",
            "select user_id from fct_watch_streams union all "
            "select user_id from ongoing_watch_streams",
        ),
    ],
)
def test_good_records_of_a_malformed_file_are_read_unchanged(input, query, cases, read):
    users = Counter(user for case in cases.values() if case.input == input for user in case.users)
    assert Counter(user for (user,) in read.rows(query)) == users


def test_nothing_of_a_malformed_file_became_sql(read):
    assert read.rows("from canary") == [(1,)]


# -- What is refused -------------------------------------------------------------------------------


class Refusing:
    """A project with data of its own, which no refused run may change."""

    def __init__(self, folder):
        self.folder = folder
        good = write_events(folder / "good.csv", [("view", "u", "2025-01-01 10:00")])
        self.project = Project(folder, events_path=str(good))
        with_canary(self.project)
        with duckdb.connect(str(self.project.database)) as connection:
            connection.execute("create schema raw")
            for name, columns in malformed.INPUTS.items():
                connection.execute(
                    f"create table raw.{name} ({' varchar, '.join(columns)} varchar)"
                )
        self.project.run("run", *RULE)
        self.good = self.contents()

    def contents(self):
        tables = ("canary", "fct_sessions", "dwell_event_loads", "dwell_heartbeat_loads")
        with duckdb.connect(str(self.project.database), read_only=True) as connection:
            return [connection.execute(f"from {table} order by all").fetchall() for table in tables]

    def what_is_wrong_with(self, case):
        """Return what is wrong with how a case was refused; None if nothing is."""
        landing = self.folder / "landing"
        shutil.rmtree(landing, ignore_errors=True)
        write(landing, case.files)
        given = self.project.settings
        path = {"events_path": [given["events_path"], f"{landing}/*"]} if case.files else given
        if "events_relation" in case.settings:
            path = {}
        self.project.settings = {**path, **case.settings}
        try:
            result = super(Project, self.project).run("run", *RULE)
        finally:
            self.project.settings = given
        if result.success:
            return "it was not refused"
        error = str(result.exception or "") + "\n".join(
            r.message or "" for r in getattr(result.result, "results", []) if r.status == "error"
        )
        return self.what_is_wrong_with_error(error, case) or (
            "something was changed" if self.contents() != self.good else None
        )

    def what_is_wrong_with_error(self, error, case):
        found = set(re.findall(r"dwell: .*", error))
        if len(found) != 1:
            return f"no sentence, or several: {error[:600]}"
        (sentence,) = found
        if "Traceback" in error or not sentence.endswith("."):
            return f"no sentence: {sentence[:600]}"
        if len(sentence) > 2000:
            return f"{len(sentence)} letters"
        if case.files and f"/{case.named}" not in sentence:
            return f"the file is not named: {sentence}"
        named = sentence.replace("input was", "events_relation and heartbeats_relation were")
        if not case.files and escape(case.named) not in named and "no file: " not in named:
            return f"the setting is not named: {sentence}"
        return None


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    return Refusing(tmp_path_factory.mktemp("refused"))


def refuse(refusing, cases):
    wrong = {case.fault: refusing.what_is_wrong_with(case) for case in cases}
    wrong = {fault: what for fault, what in wrong.items() if what}
    assert not wrong, "\n".join(f"{fault}: {what}" for fault, what in wrong.items())


REFUSED = list(malformed.files_refused(random.Random(SEED)))


@pytest.mark.parametrize("family", dict.fromkeys(case.family for case in REFUSED))
def test_a_file_that_cannot_be_read_stops_the_run_with_a_sentence(family, refusing):
    refuse(refusing, [case for case in REFUSED if case.family == family][SEED % ONE_IN :: ONE_IN])


@pytest.mark.parametrize("name", [*malformed.SETTINGS, ""])
def test_a_setting_that_is_wrong_stops_the_run_with_a_sentence(name, refusing):
    made = malformed.settings_refused(random.Random(SEED), SOME)
    of_this = [c for c in made if (c.named if c.named in malformed.SETTINGS else "") == name]
    refuse(refusing, of_this[SEED % ONE_IN :: ONE_IN])


def test_settings_that_would_do_harm_as_code_do_none(refusing, tmp_path):
    named = malformed.HOSTILE_SETTINGS["events_columns"]
    way = malformed.Way()
    header = [named.get(column, column) for column in malformed.HEADER]
    names = malformed.HOSTILE_SETTINGS["session_start_events"]
    rows = [
        malformed.line(malformed.record(f"u{n}", event_name=name).values(), way)
        for n, name in enumerate(names)
    ]
    write(tmp_path / "landing", {"a.csv": malformed.as_csv(rows, way, header)})
    project = Project(tmp_path, events_path=f"{tmp_path}/landing/*", **malformed.HOSTILE_SETTINGS)
    with_canary(project)
    project.run("run", *READ, "+product_answers")
    assert project.rows("from canary") == [(1,)]
    assert project.row("select count(*), sum(event_count) from fct_sessions") == (len(names),) * 2
    found = {name for (name,) in project.rows("select event_name from fct_events")}
    assert found == {name.lower() for name in names}


# -- The same, at length ---------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("DWELL_SEEDS", "3"))))
def test_more_of_all_this_each_file_by_itself(seed, refusing, tmp_path):
    rng = random.Random(seed)
    refuse(refusing, malformed.files_refused(rng))
    refuse(refusing, malformed.settings_refused(rng, None))
    project = Project(tmp_path, events_path="none", heartbeats_path="none")
    wrong = {}
    for path, case in files_read(seed).items():
        project.database.unlink(missing_ok=True)
        write(tmp_path / case.input, {case.name: case.content})
        project.settings = {f"{case.input}_path": f"{tmp_path}/{path}", "max_rejected_ratio": 1}
        project.run("run", *READ)
        found = what_became(project)
        if found != {path: expected(case)}:
            wrong[f"{path} ({case.fault})"] = found
        (tmp_path / path).unlink()
    assert not wrong, "\n".join(f"{path}: {found}" for path, found in wrong.items())


# -- What make passes on ---------------------------------------------------------------------------


def error_for_make(capsys):
    with pytest.raises(UsageError) as raised:
        dbt_vars.print_vars()
    assert capsys.readouterr().out == ""
    message = str(raised.value)
    assert message and "\n" not in message, message
    return message


@pytest.mark.parametrize("given", malformed.VARS, ids=lambda given: repr(given[:40]))
def test_vars_that_are_no_settings_are_refused_with_a_sentence(given, monkeypatch, capsys):
    # as the environment cannot hold all of it
    monkeypatch.setattr(dbt_vars, "environ", {"VARS": given})
    assert "VARS" in error_for_make(capsys)


@pytest.mark.parametrize("given", malformed.EVENTS)
def test_events_that_are_no_paths_are_refused_with_a_sentence(given, monkeypatch, capsys):
    monkeypatch.setenv("EVENTS", given)
    assert "EVENTS" in error_for_make(capsys)


def test_compressed_files_that_are_not_intact_are_refused_with_a_sentence(tmp_path):
    """DuckDB reads a truncated one without an error, so make validates it before dbt reads it."""
    for fault, name, content in malformed.packed_files(random.Random(SEED)):
        write(tmp_path, {name: content})
        with pytest.raises(CorruptFileError, match=re.escape(name)) as raised:
            validate_compressed_files({"events_path": f"{tmp_path}/*"}, tmp_path / "none.duckdb")
            pytest.fail(f"{fault} {name}")
        assert str(raised.value).endswith("remove it from events_path.")
        (tmp_path / name).unlink()


def test_a_compressed_file_is_validated_where_dbt_reads_it(tmp_path, monkeypatch):
    write(tmp_path, {"a.csv.gz": b"no gzip"})
    path = os.path.relpath(tmp_path / "a.csv.gz", ROOT)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorruptFileError, match=re.escape(f"{path} is truncated")):
        validate_compressed_files({"events_path": path}, tmp_path / "none.duckdb")


@pytest.mark.parametrize("line", malformed.COMMANDS)
def test_a_command_that_fails_prints_why(line, monkeypatch, capsys, tmp_path):
    write(tmp_path, malformed.FILES_OF_COMMANDS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DWELL_DATABASE", "none.duckdb")
    monkeypatch.delenv("DWELL_KAFKA_BOOTSTRAP_SERVERS", raising=False)
    assert main(line.split()) in (1, 2)
    printed = capsys.readouterr()
    assert printed.err.strip() and not printed.out and "Traceback" not in printed.err
