"""Malformed input, made by a generator: each case knows what must become of it.

A case that is read knows how many records its file holds, whose events of them are good, and why
each of the others is none; it knows so from how it was made, not from dwell. A case that is refused
must stop the run with a sentence. The same seed gives the same cases; another seed puts the faults
into other rows, other ways to write a file and other positions in a file.
"""

import gzip
import io
import json
import random
import tarfile
import tempfile
import zipfile
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import duckdb
from support.events import HEADER

from dwell.build.compressed_files import MODULES

zstd = import_module(MODULES[".zst"])

HEARTBEAT = ("user_id", "program_id", "start_time", "session_id", "device", "event_time")
INPUTS = {"events": HEADER, "heartbeats": HEARTBEAT}
TIME = "2025-01-01T10:00:00Z"
BOM = b"\xef\xbb\xbf"
HOSTILE = [
    "x'); drop table canary; --",
    '"; drop table canary; --',
    "'; attach 'evil.duckdb'; --",
    "$$; drop table canary; $$",
    "{{ 1 / 0 }}",
    "{% do exceptions.raise_compiler_error('no') %}",
    "{# no end",
    "{{ run_query('drop table canary') }}",
    "%s %d %(x)s {0} {x}",
    "\\'; drop table canary; --",
    "../../../etc/passwd",
    "$(mkdir evil) `mkdir evil`",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "zero\u200bwidth \U0001f4a9 e\u0301",
    "a;b\tc|d",
    "null",
    "NaN",
    "-0",
]


class Read(NamedTuple):
    """A file that is read, with rejects: nothing of it may be lost."""

    family: str
    fault: str
    input: str
    name: str
    content: bytes
    records: int
    # of the good records
    users: list[str]
    # of the others, one for each; None where any will do
    reasons: list[str | None]


class Refused(NamedTuple):
    """Files or settings that stop the run with a sentence. named: what it must name."""

    family: str
    fault: str
    files: dict[str, bytes]
    settings: dict
    named: str


# -- Records ---------------------------------------------------------------------------------------


def record(user: str, columns=HEADER, **values) -> dict:
    """Return a good record of an input."""
    usual = {
        "event_name": "view",
        "app_version": "1",
        "event_time": TIME,
        "device_id": "d",
        "client": "web",
        "program_id": "p",
        "start_time": TIME,
        "session_id": "s",
        "device": "tv",
    }
    return {name: ({"user_id": user} | usual | values)[name] for name in columns}


UNREADABLE = "unreadable_row"
# texts that are no time, or none that is believed, and why
TIMES = {
    "unreadable": [
        "0000-00-00", "0000-00-00 00:00:00", "2025-02-29", "2025-02-30T10:00:00Z", "2025-13-01",
        "2025-00-10", "2025-04-31 10:00", "2025-01-01T25:00:00", "2025-01-01T10:61:00Z",
        "12/31/2025", "31.12.2025", "Jan 1 2025", "Wed, 01 Jan 2025 10:00:00 GMT", "yesterday",
        "now", "today", "infinity", "-infinity", "NaN", "inf", "null", "None", "NaT", "n/a", "-",
        "?", "true", "2025", "1e400", "2025-W01-1", "2025-001",
        "\uff12\uff10\uff12\uff15-01-01", "2025-01-01T10:00:00+100:00",
        "2025-01-01 10:00 Mars/Phobos", f"{TIME}; drop table canary", "=1+1", "0x7e9",
        "\U0001f552", "x" * 100_000, "99999999999999999999-01-01", "T10:00", "10:00",
        "2025--01-01", "45658.4", "20250101T100060Z", "0044-03-15 (BC)", "1735725600", *HOSTILE[:8],
    ],
    "before_earliest_event_date": [
        "0001-01-01", "0001-01-01T00:00:00Z", "1582-10-10", "1900-01-01",
        "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "1999-12-31T23:59:59.999999Z",
    ],
    "in_the_future": [
        "9999-12-31T23:59:59Z", "9999-12-31", "10000-01-01", "99999-01-01T00:00:00Z",
        "2262-04-11T23:47:17Z", "294246-01-01", "3000-01-01T00:00:00+14:00",
    ],
    "missing": ["", " ", "\t", "  \t "],
}  # fmt: skip
# the same of a file whose times are seconds since 1970
SECONDS = {
    "unreadable": [
        "1e999", "99999999999999999999", "9223372036854775807", "-9223372036854775808",
        "1735725600.5.5", "0x67", "\u0967\u096d\u0969\u096b", "NaN", "inf", "-inf", TIME,
        "1735725600abc", "1,735,725,600", "--1", "1735725600;drop", "1e3",
    ],
    "before_earliest_event_date": ["0", "-1", "-62135596800", "1", "946684799"],
    "in_the_future": ["1735725600000", "253402300799", "99999999999"],
    "missing": ["", " "],
}  # fmt: skip


def time_faults(column: str, of: dict):
    """Yield (what is wrong, {column: value}, reason)."""
    for why, texts in of.items():
        for text in texts:
            reason = f"{why}_{column}" if why in ("unreadable", "missing") else why
            yield f"{column} {text[:40]!r}", {column: text}, reason


def value_faults(name: str):
    """Yield (what is wrong, values, reason) of records that can be parsed."""
    yield from time_faults("event_time", TIMES)
    if name == "events":
        for blank in ("", "  ", "\t", " \t "):
            why = f"no ids, {blank!r}"
            yield why, {"user_id": blank, "device_id": blank}, "missing_user_and_device"
    else:
        for column in ("user_id", "program_id", "session_id", "device"):
            for blank in ("", "  ", "\t"):
                yield f"no {column}, {blank!r}", {column: blank}, f"missing_{column}"
        for fault, values, reason in time_faults("start_time", TIMES):
            own = reason if reason.endswith("_start_time") else f"start_time_{reason}"
            yield fault, values, own


# -- CSV -------------------------------------------------------------------------------------------


class Way(NamedTuple):
    """A way to write a CSV."""

    ending: str = ".csv"
    delimiter: str = ","
    end: str = "\n"
    bom: bytes = b""
    pack: object = bytes
    last_end: bool = True


WAYS = [
    Way(),
    Way(end="\r\n"),
    Way(delimiter=";"),
    Way(".tsv", "\t"),
    Way(".txt", "|", "\r\n"),
    Way(bom=BOM),
    Way(last_end=False),
    Way(".csv.gz", pack=gzip.compress),
    Way(".csv.zst", pack=zstd.compress),
]


def quoted(text: str, way: Way) -> str:
    """Return a field, in quotes where they are needed."""
    if any(sign in text for sign in (way.delimiter, '"', "\n", "\r")):
        return '"' + text.replace('"', '""') + '"'
    return text


def line(values, way: Way) -> bytes:
    """Return a row without its end."""
    return way.delimiter.join(quoted(value, way) for value in values).encode()


def as_csv(lines: list[bytes], way: Way, header=HEADER) -> bytes:
    """Return a file of rows as bytes."""
    end = way.end.encode()
    text = end.join([line(header, way), *lines]) + (end if way.last_end else b"")
    return way.pack(way.bom + text)


def broken_lines(rng: random.Random, columns) -> dict:
    """Return {what is wrong: a row that cannot be parsed, of a way}."""

    def good(way):
        return line(record("broken", columns).values(), way)

    def with_bytes(raw):
        return lambda way: good(way).replace(b"broken", b"bro" + raw + b"ken")

    def cut_off(way):
        return good(way)[: rng.randrange(1, good(way).rindex(way.delimiter.encode()))]

    def parts(number):
        return lambda way: line(["x"] * number, way)

    return {
        "one column": parts(1),
        "two columns": parts(2),
        "a column too few": parts(5),
        "a column too many": parts(7),
        "fifty columns": parts(50),
        "thousands of columns": parts(5000),
        "cut off": cut_off,
        "more after a closing quote": lambda way: good(way).replace(b"broken", b'"bro"ken'),
        "twice in one line": lambda way: good(way) + b" " + good(way),
        "another delimiter": lambda way: good(way).replace(way.delimiter.encode(), b"^"),
        "blanks": lambda way: b"   ",
        "a comment": lambda way: b"# exported by someone",
        "a total": lambda way: b"Total" + way.delimiter.encode() + b"3",
        "(3 rows)": lambda way: b"(3 rows)",
        "Ctrl-Z": lambda way: b"\x1a",
        "JSON": lambda way: json.dumps({"event_name": "view"}).encode(),
        "XML": lambda way: b"<event/>",
        "a Latin-1 letter": with_bytes("ü".encode("latin-1")),
        "Windows-1252 quotes": with_bytes(b"\x93\x94"),
        "a byte that UTF-8 never has": with_bytes(b"\xff"),
        "an overlong zero": with_bytes(b"\xc0\x80"),
        "a surrogate": with_bytes(b"\xed\xa0\x80"),
        "a truncated letter": with_bytes(b"\xe2\x82"),
        "a continuation without a start": with_bytes(b"\x80"),
        "beyond Unicode": with_bytes(b"\xf4\x90\x80\x80"),
        "Shift JIS": with_bytes("日本".encode("shift_jis")),
        "a field of 2.1 MB": with_bytes(b"x" * 2_100_000),
    }  # fmt: skip


class Placed:
    """Good records with one fault among them, at a position that the seed decides."""

    def __init__(self, rng, tag, columns, first=0):
        self.users = [f"{tag}-{n}" for n in range(rng.randint(2, 4))]
        self.position = rng.randint(first, len(self.users))
        self.columns = columns

    def lines(self, way, faulty: list[bytes], **values):
        good = [line(record(u, self.columns, **values).values(), way) for u in self.users]
        return [*good[: self.position], *faulty, *good[self.position :]]


def csv_read(rng: random.Random, name: str):
    """Yield CSVs with a fault in a row."""
    columns, short = INPUTS[name], name[0]
    for n, (fault, faulty) in enumerate(broken_lines(rng, columns).items()):
        way = rng.choice(WAYS)
        placed = Placed(rng, f"{short}b{n}", columns)
        content = as_csv(placed.lines(way, [faulty(way)]), way, columns)
        yield Read(
            "CSV: rows that cannot be parsed", f"{fault}, {way.ending} {way.delimiter!r}",
            name, f"b{n}{way.ending}", content, len(placed.users) + 1, placed.users, [UNREADABLE],
        )  # fmt: skip
    for n, (fault, values, reason) in enumerate(value_faults(name)):
        way = rng.choice(WAYS)
        placed = Placed(rng, f"{short}v{n}", columns)
        bad = line(record("bad", columns, **values).values(), way)
        yield Read(
            "CSV: values", fault, name, f"v{n}{way.ending}",
            as_csv(placed.lines(way, [bad]), way, columns),
            len(placed.users) + 1, placed.users, [reason],
        )  # fmt: skip
    if name == "events":
        for n, (fault, values, reason) in enumerate(time_faults("event_time", SECONDS)):
            way = rng.choice(WAYS)
            placed = Placed(rng, f"{short}s{n}", columns)
            bad = line(record("bad", columns, **values).values(), way)
            lines = placed.lines(way, [bad], event_time="1735725600")
            yield Read(
                "CSV: numbers as times", fault, name, f"s{n}{way.ending}",
                as_csv(lines, way, columns), len(placed.users) + 1, placed.users, [reason],
            )  # fmt: skip
    for n, hostile in enumerate([*HOSTILE, "x" * 100_000, "two\nlines", "a\0b", 'a "yes"']):
        way = rng.choice([way for way in WAYS if way.delimiter not in hostile])
        user = f"{short}h{n} {hostile}"
        values = dict.fromkeys(columns, hostile) | {"user_id": user, "event_time": TIME}
        values |= {"start_time": TIME} if name == "heartbeats" else {}
        values = {column: values[column] for column in columns}
        content = as_csv([line(values.values(), way)], way, columns)
        yield Read(
            "CSV: hostile text, which is text", repr(hostile[:40]), name, f"h{n}{way.ending}",
            content, 1, [user], [],
        )  # fmt: skip


def csv_files_read(rng: random.Random, name: str):
    """Yield CSVs that are odd as a whole, and read."""
    columns, short = INPUTS[name], name[0]
    users = [f"{short}w%d-{n}" for n in range(3)]

    def lines(number, way):
        return [line(record(user % number, columns).values(), way) for user in users]

    plain, family = Way(), "CSV: files that are odd, and read"
    header = line(columns, plain)
    open_quote = b'x,"y,1'
    odd = {
        "a header alone": (lambda n: header + b"\n", []),
        "a header without a line end": (lambda n: header, []),
        "a header with a BOM alone": (lambda n: BOM + header + b"\n", []),
        "lines that end in CR": (lambda n: b"\r".join([header, *lines(n, plain), b""]), users),
        "a comma at the end of each row": (
            lambda n: b",\n".join([header, *lines(n, plain), b""]), users),
        "blanks around names": (
            lambda n: b"\n".join([header.replace(b",", b" , "), *lines(n, plain), b""]), users),
        "sep=, of Excel": (
            lambda n: b"\n".join([b"sep=,", header, *lines(n, plain), b""]), users),
        "names in capitals": (
            lambda n: b"\n".join([header.upper(), *lines(n, plain), b""]), users),
        "names in quotes": (
            lambda n: b'"' + header.replace(b",", b'","') + b'"\n'
            + b"\n".join(lines(n, plain)), users),
        "empty lines at the end": (
            lambda n: b"\n".join([header, *lines(n, plain)]) + b"\n\n\n\n", users),
        "empty lines between rows": (
            lambda n: b"\n\n".join([b"\n".join([header, lines(n, plain)[0]]), *lines(n, plain)[1:]])
            + b"\n", users),
    }  # fmt: skip
    for n, (fault, (content, good)) in enumerate(odd.items()):
        named = [user % n for user in good]
        yield Read(family, fault, name, f"w{n}.csv", content(n), len(good), named, [])
    rejected = {
        "the header again, as where files were put together": ([header], ["unreadable_event_time"]),
        "a BOM in the middle": ([BOM + header], ["unreadable_event_time"]),
        "an open quote, which takes the rest with it": ([open_quote], None),
        "no row that can be read": ([b"x", b"y", b"z"], [UNREADABLE] * 3),
        "quotes alone": ([b'""'], [UNREADABLE]),
    }
    for n, (fault, (rows, reasons)) in enumerate(rejected.items(), len(odd)):
        if name == "heartbeats" and reasons and reasons[0] != UNREADABLE:
            continue
        good = [] if "no row" in fault else lines(n, plain)
        after = good[1:] if "rest" in fault else []
        before = good[:1] if after else good
        content = b"\n".join([header, *before, *rows, *after, b""])
        named = [user % n for user in users][: len(before)]
        reasons = reasons or [UNREADABLE]
        yield Read(
            family, fault, name, f"w{n}.csv", content, len(named) + len(reasons), named, reasons
        )
    commas = b"," * (len(columns) - 1)
    n = len(odd) + len(rejected)
    named = [user % n for user in users]
    reason = "missing_user_and_device" if name == "events" else "missing_user_id"
    content = b"\n".join([header, *lines(n, plain), commas, commas])
    yield Read(family, "commas alone", name, f"w{n}.csv", content, 5, named, [reason] * 2)


# -- JSON ------------------------------------------------------------------------------------------


def broken_json(rng: random.Random, columns) -> dict[str, bytes]:
    """Return {what is wrong: a line that is no object with values}."""
    good = json.dumps(record("broken", columns))

    def with_value(column, value):
        return json.dumps(record("broken", columns) | {column: value}).encode()

    return {
        **{f"cut off, {n}": good[: rng.randrange(1, len(good))].encode() for n in range(4)},
        "without its first letter": good[1:].encode(),
        "twice in one line": (good + good).encode(),
        "an array": f"[{good}]".encode(),
        "an array of values": json.dumps(list(record("x", columns).values())).encode(),
        "text": b'"text"',
        "a number": b"7",
        "null": b"null",
        "true": b"true",
        "a word": b"broken",
        "quotes of one stroke": good.replace('"', "'").encode(),
        "keys without quotes": b"{user_id: 1}",
        "a key without a value": (good[:-1] + ', "more":}').encode(),
        "an escape that is none": good.replace("broken", "\\q").encode(),
        "a Latin-1 letter": good.replace("broken", "\xfc").encode("latin-1"),
        "a row of a CSV": ",".join(record("broken", columns).values()).encode(),
        "a user that is an object": with_value("user_id", {"id": 1}),
        "a user that is a list": with_value("user_id", ["u"]),
        "a time that is an object": with_value("event_time", {"$date": TIME}),
        "a time that is a list": with_value("event_time", [2025, 1, 1]),
        "nested in another": json.dumps({"event_time": record("broken", columns)}).encode(),
        "brackets, 2000 deep": b"[" * 2000 + b"]" * 2000,
        "a brace": b"{",
        "a line of 2.1 MB": good.replace("broken", "x" * 2_100_000).encode(),
    }


def json_values(name: str):
    """Yield (what is wrong, values, reason); a reason of None is a good record after all."""
    for value in (10**400, True, False, 1e300, -1):
        yield f"event_time {str(value)[:20]}", {"event_time": value}, "unreadable_event_time"
    yield "event_time null", {"event_time": None}, "missing_event_time"
    if name == "events":
        yield "no ids", {"user_id": None, "device_id": None}, "missing_user_and_device"
        yield "no ids, blank", {"user_id": " ", "device_id": ""}, "missing_user_and_device"
    else:
        for column in ("user_id", "program_id", "session_id", "device"):
            yield f"{column} null", {column: None}, f"missing_{column}"


def json_read(rng: random.Random, name: str):
    """Yield JSON, in lines and as arrays, with a fault in a record."""
    columns, short = INPUTS[name], name[0]
    packs = {"": bytes, ".gz": gzip.compress, ".zst": zstd.compress}

    def lines_of(tag, faulty):
        # a file that begins with a bracket is an array
        placed = Placed(rng, tag, columns, first=1)
        good = [json.dumps(record(user, columns)).encode() for user in placed.users]
        packed = rng.choice(list(packs))
        lines = [*good[: placed.position], faulty, *good[placed.position :]]
        ending = rng.choice([".jsonl", ".ndjson"]) + packed
        return placed.users, ending, packs[packed](b"\n".join(lines) + b"\n")

    for n, (fault, faulty) in enumerate(broken_json(rng, columns).items()):
        users, ending, content = lines_of(f"{short}j{n}", faulty)
        yield Read(
            "JSON: lines that are not records", fault, name, f"j{n}{ending}", content,
            len(users) + 1, users, [UNREADABLE],
        )  # fmt: skip
    for n, (fault, values, reason) in enumerate(json_values(name)):
        bad = json.dumps(record("bad", columns) | values).encode()
        users, ending, content = lines_of(f"{short}k{n}", bad)
        yield Read(
            "JSON: values", fault, name, f"k{n}{ending}", content, len(users) + 1, users, [reason]
        )
        users = [f"{short}a{n}-{i}" for i in range(3)]
        array = [record(user, columns) for user in users]
        array.insert(rng.randint(0, 3), record("bad", columns) | values)
        content = json.dumps(array, indent=rng.choice([None, 2])).encode()
        yield Read(
            "JSON: values", f"{fault}, in an array", name, f"a{n}.json", content, 4, users, [reason]
        )
    elements = [5, None, "text", True, [], [1], [record("x", columns)], 1.5, ["a", {}]]
    elements += [record("x", columns) | {"user_id": {}}, record("x", columns) | {"event_time": []}]
    for n, element in enumerate(elements):
        users = [f"{short}e{n}-{i}" for i in range(2)]
        array = [record(user, columns) for user in users]
        array.insert(rng.randint(0, 2), element)
        yield Read(
            "JSON: elements of an array", json.dumps(element)[:40], name, f"e{n}.json",
            json.dumps(array).encode(), 3, users, [UNREADABLE],
        )  # fmt: skip
    for n, hostile in enumerate(HOSTILE):
        user = f"{short}x{n} {hostile}"
        content = json.dumps(record(user, columns, device_id=hostile, device=hostile)).encode()
        yield Read(
            "JSON: hostile text, which is text",
            hostile,
            name,
            f"x{n}.jsonl",
            content,
            1,
            [user],
            [],
        )


# -- Parquet ---------------------------------------------------------------------------------------


def parquet(select: str, **options) -> bytes:
    """Return what DuckDB writes of a query."""
    more = "".join(f", {name} {value}" for name, value in options.items())
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute("pragma add_parquet_key('k', '0123456789112345')")
        # an encrypted file, without the extension that encrypts well
        connection.execute("set force_mbedtls_unsafe = true")
        connection.execute(f"copy ({select}) to '{folder}/a' (format parquet{more})")
        return (Path(folder) / "a").read_bytes()


def parquet_of(users: list[str], columns, **types) -> str:
    """Return SQL of records; of the columns named, SQL of their own, in which i counts the rows."""
    values = {name: f"'{value}'" for name, value in record("", columns).items()}
    listed = ", ".join("'" + user.replace("'", "''") + "'" for user in users)
    values |= {"user_id": f"[{listed}][i]"} | types
    listed = ", ".join(f"{value} as {name}" for name, value in values.items())
    return f"select {listed} from range(1, {len(users) + 1}) as t(i)"


PARQUET_TIMES = {
    "timestamps without end": ("if(i = 1, timestamp 'infinity', timestamp '2025-01-01 10:00')",
                               "unreadable_event_time"),
    "timestamps without start": ("if(i = 1, timestamp '-infinity', timestamp '2025-01-01 10:00')",
                                 "unreadable_event_time"),
    "the last timestamp": ("if(i = 1, timestamp '294246-01-01', timestamp '2025-01-01 10:00')",
                           "in_the_future"),
    "before Christ": ("if(i = 1, timestamp '0044-03-15 (BC)', timestamp '2025-01-01 10:00')",
                      "before_earliest_event_date"),
    "nanoseconds": ("if(i = 1, null, timestamp_ns '2025-01-01 10:00:00')", "missing_event_time"),
    "dates": ("if(i = 1, date '9999-12-31', date '2025-01-01')", "in_the_future"),
    "doubles, NaN": ("if(i = 1, 'nan'::double, 1735725600)", "unreadable_event_time"),
    "doubles, infinite": ("if(i = 1, 'inf'::double, 1735725600)", "unreadable_event_time"),
    "doubles, 1e300": ("if(i = 1, 1e300, 1735725600)", "unreadable_event_time"),
    "the greatest integer": ("if(i = 1, 9223372036854775807, 1735725600)", "unreadable_event_time"),
    "a negative integer": ("if(i = 1, -1, 1735725600)", "before_earliest_event_date"),
    "decimals": ("if(i = 1, -0.5, 1735725600.25)::decimal(18, 2)", "before_earliest_event_date"),
    "zones, year 9999": (
        "if(i = 1, timestamptz '9999-12-31 23:59:59+00', timestamptz '2025-01-01 10:00:00+00')",
        "in_the_future"),
}  # fmt: skip
NO_TIMES = {
    "truth": "true", "intervals": "interval 1 day", "UUIDs": "uuid()",
    "times of a day": "time '10:00'",
    "enums": "'a'::enum('a', 'b')", "bytes": "'\\xff'::blob",
}  # fmt: skip


def parquet_read(rng: random.Random, name: str):
    """Yield Parquet with types and values that are odd."""
    columns, short = INPUTS[name], name[0]
    family = "Parquet: types and values"
    users = [f"{short}p%d-{n}" for n in range(3)]
    n = 0
    for fault, (sql, reason) in PARQUET_TIMES.items():
        named = [user % n for user in users]
        content = parquet(parquet_of(named, columns, event_time=sql))
        yield Read(family, fault, name, f"p{n}.parquet", content, 3, named[1:], [reason])
        n += 1
    for fault, sql in NO_TIMES.items():
        named = [user % n for user in users]
        content = parquet(parquet_of(named, columns, event_time=sql))
        reasons = ["unreadable_event_time"] * 3
        yield Read(family, f"times are {fault}", name, f"p{n}.parquet", content, 3, [], reasons)
        n += 1
    nothing = {"no times": ({"event_time": "null"}, "missing_event_time")}
    if name == "events":
        without = {"user_id": "null", "device_id": "null"}
        nothing["no ids"] = (without, "missing_user_and_device")
    for fault, (values, reason) in nothing.items():
        content = parquet(parquet_of(["x"] * 3, columns, **values))
        yield Read(family, fault, name, f"p{n}.parquet", content, 3, [], [reason] * 3)
        n += 1
    content = parquet(parquet_of(["x"], columns) + " where false")
    yield Read(family, "no rows", name, f"p{n}.parquet", content, 0, [], [])
    named = [f"{short}q {hostile}" for hostile in HOSTILE]
    content = parquet(parquet_of(named, columns))
    yield Read(family, "hostile text", name, f"p{n + 1}.parquet", content, len(named), named, [])


# -- Files that are refused ------------------------------------------------------------------------


def other_formats() -> dict[str, bytes]:
    """Return {what it is: the bytes of a file of another kind}."""
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>" * 1000)
    with tarfile.open(fileobj=tarred, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("events.csv"), io.BytesIO(b""))
    text = as_csv([line(record("u").values(), Way())], Way())
    return {
        "a zip file": zipped.getvalue(),
        "a tar file": tarred.getvalue(),
        "old Excel": bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 504,
        "a PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n",
        "a picture": bytes.fromhex("89504e470d0a1a0a0000000d49484452"),
        "a program": b"\x7fELF\x02\x01\x01" + b"\0" * 100,
        "SQLite": b"SQLite format 3\0" + b"\0" * 84,
        "Avro": b"Obj\x01\x04\x14avro.codec\x08null",
        "ORC": b"ORC" + b"\x08\x03" * 20,
        "Arrow": b"ARROW1\0\0" + b"\xff" * 20,
        "a pickle": b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x04view\x94.",
        "a page of HTML": b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n",
        "an error of S3": b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>\n',
        "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n",
        "YAML": b"events:\n  - user_id: u\n",
        "SQL": b"insert into events values ('view', 'u');\n",
        "UTF-16": text.decode().encode("utf-16"),
        "UTF-16, big end first": text.decode().encode("utf-16-be"),
        "UTF-32": text.decode().encode("utf-32"),
        "EBCDIC": text.decode().encode("cp500"),
        "zeros": b"\0" * 1000,
        "a BOM": BOM,
        "line ends": b"\n\n\n",
        "blanks": b"   ",
        "a byte": b"x",
    }  # fmt: skip


NAMES = ["a.csv", "a.parquet", "a.json", "a.jsonl", "a.csv.gz", "a.jsonl.zst"]


def cut(content: bytes, rng: random.Random, at=(0.1, 0.9)) -> bytes:
    """Return a truncated file."""
    return content[: int(len(content) * rng.uniform(*at))]


def damaged(content: bytes, offset: int, length: int) -> bytes:
    """Return a file some of whose bytes are others."""
    hit = bytes(byte ^ 0xFF for byte in content[offset : offset + length])
    return content[:offset] + hit + content[offset + length :]


def headers_refused(rng: random.Random):
    """Yield (fault, name, content) of CSVs whose columns are not known."""
    row = line(record("u").values(), Way())
    header = line(HEADER, Way())
    for column in HEADER:
        less = [name for name in HEADER if name != column]
        yield f"no column {column}", "a.csv", as_csv([row], Way(), less)
        twice = [*HEADER, column]
        yield f"{column} twice", "a.csv", as_csv([row + b",x"], Way(), twice)
        yield (
            f"{column} in capitals too",
            "a.csv",
            as_csv([row + b",x"], Way(), [*HEADER, column.upper()]),
        )
        values = {key: value for key, value in record("u").items() if key != column}
        yield f"no key {column}", "a.jsonl", json.dumps(values).encode()
        both = values | {column.upper(): "x", f" {column.title()} ": "x"}
        yield f"a key {column} in two ways", "a.json", json.dumps([both]).encode()
        yield (
            f"no {column} in Parquet",
            "a.parquet",
            parquet(f"select * exclude ({column}) from ({parquet_of(['u'], HEADER)})"),
        )
    yield "no header", "a.csv", row + b"\n" + row
    for sign in "^~:\x1f#":
        yield f"delimiter {sign!r}", "a.csv", (header + b"\n" + row).replace(b",", sign.encode())
    yield "a title", "a.csv", b"My events\n" + header + b"\n" + row
    yield "an empty first line", "a.csv", b"\n" + header + b"\n" + row
    yield "several empty first lines", "a.csv", b"\r\n\r\n" + header + b"\r\n" + row
    yield "a header in one pair of quotes", "a.csv", b'"' + header + b'"\n' + row
    yield "an open quote in the header", "a.csv", b'"' + header + b"\n" + row
    yield "a header of 2.1 MB", "a.csv", header + b"," + b"x" * 2_100_000 + b"\n" + row
    yield "a header that is no UTF-8", "a.csv", b"\xff" + header + b"\n" + row


def contents_refused(rng: random.Random):  # noqa: C901 - a list of cases
    """Yield (fault, name, content) of files that are truncated, damaged or no such file."""
    objects = [record(f"u{n}") for n in range(500)]
    array = json.dumps(objects).encode()
    after_comma = array[: array.rindex(b"{")]
    for fault, content in {
        "after a comma": after_comma,
        "after a comma and a line end": after_comma.rstrip() + b"\r\n",
        "after a comma in a line of its own": after_comma.replace(b", {", b",\n{") + b"\n\n",
    }.items():
        yield f"a truncated array {fault}", "a.json", content
        yield f"a truncated array {fault}, packed", "a.json.gz", gzip.compress(content)
    for n in range(3):
        yield f"a truncated array, {n}", "a.json", cut(array, rng)
        yield f"a truncated array, packed, {n}", "a.json.gz", gzip.compress(cut(array, rng))
        pretty = json.dumps(objects[0], indent=1).encode()
        yield f"a truncated object, {n}", "a.json", cut(pretty, rng, (0.2, 0.9))
    good = json.dumps(record("u")).encode()
    for fault, content in {
        "a comma at the end": b"[" + good + b",]",
        "no comma between": b"[" + good + good + b"]",
        "words after": b"[" + good + b"] and more",
        "words between": b"[" + good + b", and " + good + b"]",
        "two arrays": b"[" + good + b"][" + good + b"]",
        "comments": b"[" + good + b", // x\n" + good + b"]",
        "quotes of one stroke": b"[" + good.replace(b'"', b"'") + b"]",
        "no closing bracket": b"[" + good,
        "a wrong bracket": b"[" + good + b"}",
        "a Latin-1 letter": b"[" + good.replace(b"web", b"\xfc") + b"]",
        "an empty array": b"[]",
        "an array of numbers": b"[1, 2, 3]",
        "an array of texts": b'["a", "b"]',
        "an array of arrays": b"[[1], [2]]",
        "nothing but brackets": b"[" * 2000 + b"]" * 2000,
        "text alone": b'"text"',
        "a number alone": b"7",
        "null alone": b"null",
        "the array in an object": b'{"data": [' + good + b"]}",
        "columns of lists": json.dumps({c: ["x"] for c in ["data", "more"]}).encode(),
        "a function call": b"callback([" + good + b"]);",
    }.items():
        yield f"JSON: {fault}", "a.json", content
    intact = parquet(
        "select 'view' as event_name, 'u' || i as user_id, '1' as app_version, 'd' as device_id, "
        "timestamp '2025-01-01 10:00' as event_time, 'web' as client from range(20000) as t(i)"
    )
    for n in range(4):
        yield f"truncated Parquet, {n}", "a.parquet", cut(intact, rng)
        # in the description of its columns
        footer = len(intact) - 8 - int.from_bytes(intact[-8:-4], "little")
        offset = rng.randrange(footer, footer + 60)
        yield f"Parquet with a damaged footer, {n}", "a.parquet", damaged(intact, offset, 8)
    for less in (1, 2, 4, 8, 9):
        yield f"Parquet without its last {less} bytes", "a.parquet", intact[:-less]
    yield "Parquet without its start", "a.parquet", intact[4:]
    yield (
        "Parquet with a wrong length of its footer",
        "a.parquet",
        damaged(intact, len(intact) - 8, 4),
    )
    yield "Parquet with text after it", "a.parquet", intact + b"more"
    yield "Parquet twice", "a.parquet", intact + b"PAR1"
    yield "PAR1 alone", "a.parquet", b"PAR1"
    yield "PAR1PAR1", "a.parquet", b"PAR1PAR1"
    for n in range(4):
        offset = rng.randrange(4, 60)
        yield f"Parquet with damaged pages, {n}", "a.parquet", damaged(intact, offset, 60)
    yield (
        "Parquet, encrypted",
        "a.parquet",
        parquet(parquet_of(["u"], HEADER), encryption_config="{footer_key: 'k'}"),
    )
    for column in HEADER:
        for kind in ("{'a': 1}", "[1]", "map {'a': 1}"):
            content = parquet(parquet_of(["u"], HEADER, **{column: kind}))
            yield f"Parquet, {column} is {kind}", "a.parquet", content
    plain = as_csv([line(record(f"u{n}").values(), Way()) for n in range(3)], Way())
    rows = plain.splitlines(keepends=True)
    crlf = [row.replace(b"\n", b"\r\n") for row in rows]
    cr = [row.replace(b"\n", b"\r") for row in rows]
    mixed = {
        "CRLF among LF": rows[:2] + crlf[2:3] + rows[3:],
        "LF among CRLF": crlf[:2] + rows[2:3] + crlf[3:],
        "CRLF after the header": crlf[:1] + rows[1:],
        "a CR in a field": [*rows[:2], rows[2].replace(b"u1", b"u\r1"), rows[3]],
        "CR among LF": rows[:2] + cr[2:3] + rows[3:],
        "CRLF far down": [*rows[:1], *rows[1:2] * 50_000, *crlf[2:3], *rows[3:]],
    }
    for fault, several in mixed.items():
        yield f"line ends: {fault}", "a.csv", b"".join(several)
    packed = gzip.compress(plain)
    yield "gzip with words after it", "a.csv.gz", packed + b"and more"
    yield "gzip of nothing", "a.csv.gz", gzip.compress(b"")
    yield "gzip in gzip", "a.csv.gz", gzip.compress(packed)
    yield "gzip: its header alone", "a.csv.gz", packed[:10]
    yield "gzip: half its header", "a.csv.gz", packed[:5]
    yield "gzip without .gz", "a.csv", packed
    yield "zstd of nothing", "a.csv.zst", zstd.compress(b"")
    yield "zstd without .zst", "a.csv", zstd.compress(plain)
    yield "zstd with words after it", "a.csv.zst", zstd.compress(plain) + b"and more"
    yield "gzip called .zst", "a.csv.zst", packed
    yield "zstd called .gz", "a.csv.gz", zstd.compress(plain)
    yield "text called .gz", "a.csv.gz", plain
    for name in (
        "a",
        "a.xlsx",
        "a.xml",
        "a.csv.bz2",
        "a.csv.xz",
        "a.zip",
        "a.parquet.gz",
        "a.csv.bak",
    ):
        yield f"a file called {name}", name, plain


def files_refused(rng: random.Random):
    """Yield files that are refused, each by itself."""
    formats = other_formats()
    for fault, content in formats.items():
        for name in rng.sample(NAMES, 2):
            yield Refused(
                "Files of another kind", f"{fault} called {name}", {name: content}, {}, name
            )
    for name in NAMES:
        yield Refused("Files of another kind", f"nothing called {name}", {name: b""}, {}, name)
    for fault, name, content in headers_refused(rng):
        yield Refused("Columns", fault, {name: content}, {}, name)
    for fault, name, content in contents_refused(rng):
        yield Refused("Truncated, corrupt or mixed files", fault, {name: content}, {}, name)


# -- Compressed files, which dwell looks at before dbt does ----------------------------------------


def packed_files(rng: random.Random):
    """Yield (fault, name, content) of compressed files that are not intact."""
    rows = [line(record(f"u{n}").values(), Way()) for n in range(2000)]
    text = as_csv(rows, Way())
    for ending, pack in ((".gz", gzip.compress), (".zst", zstd.compress)):
        intact = pack(text)
        for n in range(10):
            yield f"truncated, {n}", f"a.csv{ending}", cut(intact, rng)
        for less in (1, 4):
            yield f"without its last {less} bytes", f"a.csv{ending}", intact[:-less]
        yield "the second of two is truncated", f"a.csv{ending}", intact + intact[:-20]
        yield "words after it", f"a.csv{ending}", intact + b"and more"
        yield "text", f"a.csv{ending}", text
    intact = gzip.compress(text)
    for n in range(10):
        offset = rng.randrange(20, len(intact) - 12)
        yield f"damaged, {n}", "a.csv.gz", damaged(intact, offset, 3)
    yield "another check sum", "a.csv.gz", damaged(intact, len(intact) - 8, 4)
    yield "another length", "a.csv.gz", damaged(intact, len(intact) - 4, 4)


# -- Settings --------------------------------------------------------------------------------------

NAN, INFINITY = float("nan"), float("inf")
LONG = "x" * 100_000
ANYTHING = [
    None, True, False, 0, -1, 1e308, 10**30, NAN, INFINITY, -INFINITY, "", " ", "30", "x", LONG,
    "two\nlines", [], [None], [5], ["x", 5], [[]], [{}], {}, {"a": 1}, {"a": {"b": []}}, *HOSTILE,
]  # fmt: skip


def is_number(least, most):
    """Return whether a value is a number of a range."""
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
    )


def is_texts(value) -> bool:
    """Return whether a value is a text or a list of texts."""
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    )


# {setting: (what is right of ANYTHING, wrong values of its own)}
SETTINGS = {
    "events_path": (lambda v: v is None, ["none/*.csv", ["none.csv"], "s4://x/y", "~/none", "/"]),
    "events_relation": (lambda v: v is None, ["a.b.c.d", "a..b", ".", "a.b.", 'a."b"', "raw.none"]),
    "events_loaded_at": (lambda v: v is None, ["loaded_at"]),
    "events_columns": (
        lambda v: v == {},
        [{"user_id": value} for value in ("", " ", 5, [], {}, True, "none", LONG, *HOSTILE)]
        + [{column: None} for column in ("event_name", "event_time")]
        + [{value: "x"} for value in ("users", "", *HOSTILE[:6])],
    ),
    "events_format": (lambda v: v is None, ["xlsx", "CSV"]),
    "events_csv": (
        lambda v: v == {},
        [{"delim": value} for value in ("", '"', *HOSTILE[:2])]
        + [{"encoding": value} for value in (None, "cp1252", *HOSTILE[:2])]
        + [{"names": []}, {"names": ["a", "a"]}, {"skip": -1}, {"header": "yes"}, {"sep": ","}],
    ),
    "event_time_format": (lambda v: False, ["ISO", "epoch", "%H:%M", "%d/%m/%Y %Z", "%d/%Y%"]),
    "heartbeats_path": (lambda v: v is None, ["none/*.csv", ["none.csv"], "/"]),
    "heartbeats_relation": (lambda v: v is None, ["a.b.c.d", "a..b", "raw.none"]),
    "heartbeats_format": (lambda v: v is None, ["xlsx"]),
    "heartbeats_csv": (lambda v: v == {}, [{"skip": "1"}, {"sep": ","}]),
    "heartbeats_loaded_at": (lambda v: v is None, ["loaded_at"]),
    "heartbeats_columns": (
        lambda v: v == {},
        [{"user_id": value} for value in ("", 5, [], None)]
        + [{value: "x"} for value in ("users", *HOSTILE[:6])],
    ),
    "heartbeats_received_at": (lambda v: v is None, ["today", "2025-13-01"]),
    "heartbeats_time_format": (lambda v: False, ["ISO", "epoch"]),
    "heartbeats_max_messages_per_run": (
        lambda v: v is None or (isinstance(v, int) and is_number(1, 10**12)(v)),
        [0, 1.5, "1000", 10**12 + 1],
    ),
    "events_received_at": (lambda v: v is None, ["yesterday", "2025-07-01 24:00:00", 20250701]),
    "null_values": (lambda v: isinstance(v, list) and is_texts(v), ["NULL", [1], {"NULL": 1}]),
    "max_rejected_ratio": (is_number(0, 1), [1.5, -0.5, "50%"]),
    "source_timezone": (lambda v: False, ["+01:00", "UTC+1", "Mars/Phobos", "europe", "UTC'"]),
    "future_tolerance_minutes": (is_number(0, 5_256_000), [5_256_001, -0.001]),
    "earliest_event_date": (
        lambda v: False,
        ["2025-02-30", "0000-00-00", "9999-99-99", "1972-12-31", "2025-1-1", 20250101,
         "2025-01-01T00:00", "01.01.2025", "\uff12\uff10\uff12\uff15-01-01", "2025-01-01\n"],
    ),
    "drop_exact_duplicates": (lambda v: isinstance(v, bool), ["yes", "true", 1]),
    "session_timeout_minutes": (is_number(0.001, 1440), [0, 1441, "30 minutes", 1e-9]),
    "session_key": (
        lambda v: False,
        ["client", ["user_id", "user_id"], ["user_id", "client"], "USER_ID", "user_id, device_id"],
    ),
    "session_max_hours": (lambda v: v is None or is_number(0.001, 87600)(v), [0, 1e12]),
    "session_split_at_midnight": (lambda v: isinstance(v, bool), ["no", 1]),
    "session_start_events": (is_texts, [7, ["view", None]]),
    "ignored_events": (is_texts, [7, ["view", None]]),
    "watch_timeout_seconds": (is_number(0.001, 86400), [0, 86401]),
    "watch_as_of": (
        lambda v: v is None,
        ["0000-00-00", "2025-02-30T00:00:00Z", "infinity", "yesterday", 20250101, "2025-13-01"],
    ),
    "reporting_timezone": (lambda v: False, ["+01:00", "Mars/Phobos", "UTC'"]),
    "pseudonymize_user_ids": (lambda v: isinstance(v, bool), ["yes", 1]),
}  # fmt: skip


def settings_refused(rng: random.Random, some: int | None):
    """Yield settings that are wrong; of the values that any setting may get, `some` for each."""
    for name, (is_right, own) in SETTINGS.items():
        wrong = [value for value in ANYTHING if not is_right(value)]
        chosen = wrong if some is None else rng.sample(wrong, min(some, len(wrong)))
        for value in [*own, *chosen]:
            given = {name: value}
            if name.endswith("_loaded_at"):
                given[name.replace("_loaded_at", "_relation")] = f"raw.{name.split('_')[0]}"
            fault = f"{name}: {str(value)[:60]!r}"
            # what is wrong may be a column or a file, and not the setting that names it
            yield Refused("Settings", fault, {}, given, name)
    yield Refused("Settings", "a name that is none", {}, {"session_timeout": 30}, "session_timeout")
    for hostile in HOSTILE:
        yield Refused("Settings", f"a setting named {hostile}", {}, {hostile: 1}, hostile)


# what is right, and would do harm if it became code
HOSTILE_SETTINGS = {
    "session_start_events": HOSTILE,
    "ignored_events": [f"{hostile} too" for hostile in HOSTILE],
    "events_columns": {"client": HOSTILE[0], "app_version": HOSTILE[4], "device_id": HOSTILE[1]},
}


# -- VARS and EVENTS of make -----------------------------------------------------------------------

VARS = [
    "{a: ", "[1, 2]", "text", "7", "true", "- a\n- b", "{a: b: c}", "{a: 'b}", 'a: "b', "\tx: 1",
    "a: *none", "a: !!python/object/apply:os.system ['mkdir evil']", "!!binary x", "{a: &b [*b]}",
    "{? [1] : 2}", "{1: 2}", "{2025-01-01: 2}", "a: 2025-99-99", "%YAML 9", "--- a\n--- b",
    "{a: !!float x}", "{a: !!int x}", "\0", "\x07", "a: \ud800", "{" * 2000, "[" * 2000,
    "{null: 1}", "{true: 1}", "a: !!set {b}\n b", "@", "`a`", "%", "a: |\nb", "{a: !!timestamp x}",
    '"', "{a: 1, a", "? a\n- b", "<<: 1",
]  # fmt: skip
EVENTS = ["'a.csv", '"a.csv', "a.csv 'b", "a\\", "it's.csv", '"', "'"]


# -- Commands --------------------------------------------------------------------------------------

# files next to them
FILES_OF_COMMANDS = {"bad.json": b'{"a":', "bad.cfg": b"no value\n\0", "binary": b"\xff\xfe\0"}
COMMANDS = """

nosuch
--x
answers --x
answers x
answers
vars x
docs x
simulate --viewers x
simulate --viewers -1
simulate --minutes nan
simulate --minutes 0
simulate --start yesterday
simulate --start 0000-00-00
simulate --start 9999-12-31T23:59:59Z
simulate --pause 2
simulate --late -1
simulate --double x
simulate --broken nan
simulate --format xml
simulate --output none/x.jsonl
simulate --output .
simulate --truth none/x
simulate --seed x
simulate --programs 0
simulate --wrong-clocks -1
simulate --speed -1
simulate --topic t
simulate --topic t --rate 0
simulate --topic t --bootstrap-servers
simulate --topic t --kafka-config none
simulate --topic t --partitions 0
ingest
ingest --topic
ingest --topic t
ingest --topic t --kafka-config none
ingest --topic t --kafka-config bad.cfg
ingest --topic t --kafka-config .
ingest --topic t --every 0
ingest --topic t --every nan
ingest --topic t --share 3/2
ingest --topic t --share x
ingest --topic t --share 0/0
listen
listen --topic t
listen --topic t --consumers 0
listen --topic t --consumers x
listen --topic t --bootstrap-servers localhost:1 --vars [1]
listen --topic t --bootstrap-servers localhost:1 --vars {a:
listen --topic t --grace -1
listen --topic t --keep-days x
validate --schema none
validate --schema bad.json
validate --schema binary
validate --schema .
validate --max-share 2
validate --max-share nan
validate --max-share x
load
load oracle
load postgres --mode x
load postgres --from x
load postgres --from 2025-02-30
load postgres --from 2025-01-01 --to 2025-01-02
end-offsets
end-offsets --topic t
end-offsets --topic t --kafka-config bad.cfg
reconcile
reconcile --topic t --end-offsets x
reconcile --topic t --end-offsets [1]
reconcile --topic t --end-offsets {
reconcile --topic t --warehouse x
compact --keep-days x
compact --keep-days -1
compact --keep-days nan
compact --landing none
compact --landing bad.json
""".splitlines()[1:]
