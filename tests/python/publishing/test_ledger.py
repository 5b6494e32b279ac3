"""What is told of streams, told again and taken back, adds up to what is true."""

import itertools
import json
import random
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta

import pytest
from support.heartbeats.messages import BASE, beat, draw_files, draw_messages, payload, time, write
from support.oracles.sessions import EPOCH
from support.oracles.streams import MICRO
from support.project import Project

from dwell.exceptions import LedgerError
from dwell.publishing import ledger as ledgers
from dwell.publishing.ledger import Ledger
from dwell.publishing.publisher import open_sink, publish
from dwell.publishing.sinks import Folder, Nowhere

STREAMS = ("+fct_watch_streams", "+ongoing_watch_streams", "heartbeat_reconciliation")
AT_ONCE = datetime(9999, 1, 1)
FIELDS = "user_id, program_id, start_time, session_id, device, stream_duration, stream_id"
FIELDS += ", began_at, first_heartbeat_at, last_heartbeat_at, heartbeats"
TIMES = ("start_time", "began_at", "first_heartbeat_at", "last_heartbeat_at")
met = Counter()


class Told:
    """Streams of landing files in a folder, told to a folder."""

    def __init__(self, folder, **settings):
        self.landing = folder / "landing"
        self.landing.mkdir()
        self.project = Project(folder, heartbeats_path=f"{self.landing}/*.parquet", **settings)
        self.sink = Folder(folder / "told")
        self.path = folder / "ledger.duckdb"
        self.start()

    def start(self):
        """Begin as a new process would."""
        self.ledger = Ledger(self.path, self.sink.name)
        open_sink(self.ledger, self.sink)

    def land(self, name, messages, payloads):
        write(self.landing / f"{name}.parquet", messages, payloads)

    def step(self, ripe=AT_ONCE, **how):
        """Run dbt and tell; return what was told, as (stream_id, revision, is_retracted)."""
        self.project.run("run", "--select", *STREAMS, **how)
        before = len(self.records())
        self.ledger.write_down(self.project.database, 60, ripe)
        publish(self.ledger, self.sink)
        return self.records()[before:]

    def records(self):
        paths = sorted(self.sink.folder.glob("*.jsonl"))
        return [json.loads(line) for path in paths for line in path.read_text().splitlines()]

    def stands(self):
        """{stream_id: record} of what was told last and not taken back."""
        last = {}
        for record in self.records():
            assert (
                record["revision"] == last.get(record["stream_id"], {"revision": 0})["revision"] + 1
            )
            last[record["stream_id"]] = record
        return {key: record for key, record in last.items() if not record["is_retracted"]}

    def ended(self):
        """{stream_id: record} of the marts, as it would be told."""
        return {
            row[6]: dict(zip(FIELDS.split(", "), row, strict=True))
            for row in self.project.rows(f"select {FIELDS} from fct_watch_streams")
        }


def as_told(record):
    record = {key: record[key] for key in FIELDS.split(", ")}
    for key in TIMES:
        record[key] = datetime.fromisoformat(record[key]).replace(tzinfo=None)
    return record


@pytest.mark.parametrize("seed", range(3))
def test_what_was_told_is_what_is_true_whatever_arrives_when(tmp_path, seed, monkeypatch):
    # so that there is more than one batch at a time
    monkeypatch.setattr(ledgers, "BATCH_ROWS", 40)
    told = Told(tmp_path)
    draw = random.Random(seed)
    messages = list(draw_messages(draw))
    payloads = {m: payload(m, draw) for m in messages}
    for number, content in enumerate(draw_files(draw, messages)):
        told.land(number, content, payloads)
        if number == 2:
            told.start()
        before = told.stands()
        ripe = EPOCH + timedelta(microseconds=BASE + draw.randint(-60, 400) * MICRO)
        for record in told.step(ripe):
            kind = "taken back" if record["is_retracted"] else "told"
            met["corrected" if kind == "told" and record["stream_id"] in before else kind] += 1
            # nothing is told that was told already
            assert as_told(record) != as_told(before.get(record["stream_id"], record)) or (
                record["is_retracted"] or record["stream_id"] not in before
            )
        stands, ended = told.stands(), told.ended()
        for key, record in ended.items():
            if record["last_heartbeat_at"] < ripe:
                assert as_told(stands[key]) == record
        for key in stands:
            assert key in ended
    told.step()
    assert {key: as_told(record) for key, record in told.stands().items()} == told.ended()
    assert told.step() == []
    assert told.step(full_refresh=True) == []
    told.start()
    assert told.step() == []


def test_the_histories_met_what_they_must():
    """Runs after the test above: without these, it would prove less than it says."""
    if not met:
        pytest.skip("only with the test above")
    for what in ("told", "corrected", "taken back"):
        assert met[what] >= 5, (what, met)
    print(dict(met))


@pytest.fixture
def land_beats(tmp_path):
    told = Told(tmp_path)
    other = ("other", "u", "tv", "p", BASE)
    offsets = itertools.count()

    def step(*beats, clock):
        """Heartbeats at seconds, while time reaches another; what is told of them."""
        messages = [beat(next(offsets), second) for second in beats]
        messages.append(beat(next(offsets), clock, other))
        draw = random.Random(1)
        told.land(messages[0].offset, messages, {m: payload(m, draw) for m in messages})
        return [
            (round(r["stream_duration"]), r["revision"], r["is_retracted"])
            for r in told.step()
            if r["session_id"] == "s"
        ]

    return step


def test_a_stream_is_told_once_it_has_ended(land_beats):
    assert land_beats(0, 30, clock=90) == []
    assert land_beats(clock=91) == [(30, 1, False)]
    assert land_beats(clock=400) == []


def test_a_late_heartbeat_gives_a_new_revision(land_beats):
    assert land_beats(0, 30, clock=500) == [(30, 1, False)]
    assert land_beats(50, clock=501) == [(50, 2, False)]


def test_streams_that_turn_out_to_be_one_leave_one(land_beats):
    assert land_beats(0, 30, 130, clock=500) == [(30, 1, False), (0, 1, False)]
    assert land_beats(80, clock=501) == [(0, 2, True), (130, 2, False)]


def test_a_stream_that_began_earlier_is_another(land_beats):
    assert land_beats(100, 130, clock=500) == [(30, 1, False)]
    assert land_beats(50, clock=501) == [(30, 2, True), (130, 1, False)]


def test_a_stream_that_goes_on_after_all_is_taken_back_until_it_ends(land_beats):
    assert land_beats(0, clock=61) == [(0, 1, False)]
    assert land_beats(60, clock=70) == [(0, 2, True)]
    assert land_beats(clock=121) == [(60, 3, False)]


def test_a_batch_found_pending_is_told_again(tmp_path):
    told = Told(tmp_path)
    messages = [beat(0, 0), beat(1, 300, ("other", "u", "tv", "p", BASE))]
    told.land(0, messages, {m: payload(m, random.Random(1)) for m in messages})
    told.project.run("run", "--select", *STREAMS)
    told.ledger.write_down(told.project.database, 60, AT_ONCE)
    told.start()
    assert publish(told.ledger, told.sink) == 1
    assert [(r["revision"], r["first_heartbeat_at"]) for r in told.records()] == [
        (1, f"{time(BASE).isoformat()}.000000Z")
    ]
    told.start()
    assert publish(told.ledger, told.sink) == 0


def test_a_ledger_that_someone_reads_meanwhile_makes_no_batch_told_twice(tmp_path):
    told = Told(tmp_path)
    messages = [beat(0, 0), beat(1, 300, ("other", "u", "tv", "p", BASE))]
    told.land(0, messages, {m: payload(m, random.Random(1)) for m in messages})
    told.project.run("run", "--select", *STREAMS)
    told.ledger.write_down(told.project.database, 60, AT_ONCE)
    batches, takes = [], told.sink.publish

    def publish_while_someone_looks(batch, records):
        takes(batch, records)
        batches.append(batch)
        look = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1], read_only=True); "
        look += "print('open', flush=True); time.sleep(2)"
        command = [sys.executable, "-c", look, str(told.path)]
        others.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        others[-1].stdout.readline()

    others = []
    told.sink.publish = publish_while_someone_looks
    assert publish(told.ledger, told.sink) == 1
    assert batches == [1]
    assert told.ledger.pending() == []
    for other in others:
        other.communicate()


def test_a_ledger_and_a_sink_that_do_not_belong_together_are_refused(tmp_path):
    sink = Folder(tmp_path / "told")
    sink.open()
    sink.publish(7, [("key", "{}")])
    with pytest.raises(LedgerError, match=r"the last batch of folder .* is 7, but by the ledger 0"):
        open_sink(Ledger(tmp_path / "ledger.duckdb", sink.name), sink)
    # a ledger that has told nothing yet is anybody's
    Ledger(tmp_path / "ledger.duckdb", Nowhere.name)


def test_a_ledger_is_of_the_sink_that_it_told_first(tmp_path):
    told = Told(tmp_path)
    messages = [beat(0, 0), beat(1, 300, ("other", "u", "tv", "p", BASE))]
    told.land(0, messages, {m: payload(m, random.Random(1)) for m in messages})
    assert len(told.step()) == 1
    told.start()
    with pytest.raises(LedgerError, match=r"is the ledger of folder .*, not of the ledger alone"):
        Ledger(told.path, Nowhere.name)


def test_a_database_that_was_deleted_and_built_again_is_compared_as_a_whole(tmp_path):
    """Its loads have the same numbers, and dbt gives each load an identity."""
    told = Told(tmp_path)

    def build(session):
        messages = [
            beat(0, 0, (session, "u", "tv", "p", BASE)),
            beat(1, 300, ("other", "u", "tv", "p", BASE)),
        ]
        told.land(0, messages, {m: payload(m, random.Random(1)) for m in messages})
        told.start()
        return [(r["session_id"], r["revision"], r["is_retracted"]) for r in told.step()]

    assert build("one") == [("one", 1, False)]
    told.project.database.unlink()
    assert build("two") == [("one", 2, True), ("two", 1, False)]
    ids = told.project.rows("from dwell_heartbeat_load_ids")
    assert [number for number, _ in ids] == [1]
