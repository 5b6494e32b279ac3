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

from dwell.build import compressed_files
from dwell.cli.main import main
from dwell.dbt import vars as dbt_vars
from dwell.exceptions import CorruptFileError
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


def test_there_are_as_many_cases_as_the_docs_say():
    """Those of this file; docs/reference/malformed-input.md counts them by family."""
    rng = random.Random(SEED)
    counted = Counter(case.family for case in files_read(SEED).values())
    counted |= Counter(case.family for case in malformed.files_refused(rng))
    counted["Settings"] = len(list(malformed.settings_refused(rng, SOME)))
    counted["Compressed files"] = len(list(malformed.packed_files(rng)))
    counted["VARS and EVENTS of make"] = len(malformed.VARS + malformed.EVENTS)
    counted["Commands"] = len(malformed.COMMANDS)
    said = DOCS.read_text()
    told = re.findall(r"^\| (.+?) \| ([0-9]+) \|", said, re.MULTILINE)
    assert {family: int(number) for family, number in told} == counted
    assert f"makes {counted.total():,} inputs" in said


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
    for place, case in cases.items():
        write((folder / place).parent, {case.name: case.content})
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
            place = source.removeprefix(f"{project.folder}/")
            found[place] = (*counts, sorted(reasons.get(source, [])), is_balanced)
    return found


def expected(case):
    """Return what must become of a file, as what_became tells it."""
    rejected = len(case.reasons)
    return (case.records, len(case.users), 0, rejected, sorted(case.reasons), True)


def test_no_record_of_a_malformed_file_is_lost_and_each_that_is_none_has_its_reason(cases, read):
    found = what_became(read)
    wrong = [
        f"{place} ({case.fault}): {found.get(place)}, not {expected(case)}"
        for place, case in cases.items()
        if found.get(place) != expected(case)
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
def test_what_is_good_in_a_malformed_file_is_told_as_it_was(input, query, cases, read):
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
        said = str(result.exception or "") + "\n".join(
            r.message or "" for r in getattr(result.result, "results", []) if r.status == "error"
        )
        return self.what_is_wrong_with_words(said, case) or (
            "something was changed" if self.contents() != self.good else None
        )

    def what_is_wrong_with_words(self, said, case):
        found = set(re.findall(r"dwell: .*", said))
        if len(found) != 1:
            return f"no sentence, or several: {said[:600]}"
        (sentence,) = found
        if "Traceback" in said or not sentence.endswith("."):
            return f"no sentence: {sentence[:600]}"
        if len(sentence) > 2000:
            return f"{len(sentence)} letters"
        if case.files and f"/{case.named}" not in sentence:
            return f"the file is not named: {sentence}"
        told = sentence.replace("input was", "events_relation and heartbeats_relation were")
        if not case.files and escape(case.named) not in told and "no file: " not in told:
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
    told = {name for (name,) in project.rows("select event_name from fct_events")}
    assert told == {name.lower() for name in names}


# -- The same, at length ---------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("DWELL_SEEDS", "3"))))
def test_more_of_all_this_each_file_by_itself(seed, refusing, tmp_path):
    rng = random.Random(seed)
    refuse(refusing, malformed.files_refused(rng))
    refuse(refusing, malformed.settings_refused(rng, None))
    project = Project(tmp_path, events_path="none", heartbeats_path="none")
    wrong = {}
    for place, case in files_read(seed).items():
        project.database.unlink(missing_ok=True)
        write(tmp_path / case.input, {case.name: case.content})
        project.settings = {f"{case.input}_path": f"{tmp_path}/{place}", "max_rejected_ratio": 1}
        project.run("run", *READ)
        found = what_became(project)
        if found != {place: expected(case)}:
            wrong[f"{place} ({case.fault})"] = found
        (tmp_path / place).unlink()
    assert not wrong, "\n".join(f"{place}: {found}" for place, found in wrong.items())


# -- What make passes on ---------------------------------------------------------------------------


def what_make_is_told(capsys):
    assert dbt_vars.main() == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("dwell: ") and err.count("\n") == 1, err
    return err


@pytest.mark.parametrize("given", malformed.VARS, ids=lambda given: repr(given[:40]))
def test_vars_that_are_no_settings_are_refused_with_a_sentence(given, monkeypatch, capsys):
    # as the environment cannot hold all of it
    monkeypatch.setattr(dbt_vars, "environ", {"VARS": given})
    assert "VARS" in what_make_is_told(capsys)


@pytest.mark.parametrize("given", malformed.EVENTS)
def test_events_that_are_no_paths_are_refused_with_a_sentence(given, monkeypatch, capsys):
    monkeypatch.setenv("EVENTS", given)
    assert "EVENTS" in what_make_is_told(capsys)


def test_compressed_files_that_are_not_whole_are_refused_with_a_sentence(tmp_path):
    """DuckDB reads them up to where they break off, so that make looks before dbt does."""
    for fault, name, content in malformed.packed_files(random.Random(SEED)):
        write(tmp_path, {name: content})
        with pytest.raises(CorruptFileError, match=re.escape(name)) as told:
            compressed_files.check({"events_path": f"{tmp_path}/*"}, tmp_path / "none.duckdb")
            pytest.fail(f"{fault} {name}")
        assert str(told.value).endswith("take it out of events_path.")
        (tmp_path / name).unlink()


def test_a_compressed_file_is_looked_at_where_dbt_reads_it(tmp_path, monkeypatch):
    write(tmp_path, {"a.csv.gz": b"no gzip"})
    place = os.path.relpath(tmp_path / "a.csv.gz", ROOT)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorruptFileError, match=re.escape(f"{place} is not whole")):
        compressed_files.check({"events_path": place}, tmp_path / "none.duckdb")


@pytest.mark.parametrize("line", malformed.COMMANDS)
def test_a_command_that_cannot_be_done_says_why(line, monkeypatch, capsys, tmp_path):
    write(tmp_path, malformed.FILES_OF_COMMANDS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DWELL_DATABASE", "none.duckdb")
    monkeypatch.delenv("DWELL_KAFKA_BOOTSTRAP_SERVERS", raising=False)
    assert main(line.split()) in (1, 2)
    said = capsys.readouterr()
    assert said.err.strip() and not said.out and "Traceback" not in said.err
