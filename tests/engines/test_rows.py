"""What is put into an engine comes out of it again, so that what differs later is the models'."""

from datetime import datetime

import pyarrow as pa

ODD = [None, "plain", 'it\'s "quoted", and \\ more', "tab\tand\nline", "Ünïcödé 🎬", " blanks "]
AT = datetime(2026, 1, 10, 1, 2, 3, 456789)


def test_rows_come_back(engine, monkeypatch):
    engine.begin("rows")
    rows = pa.table(
        {"user_id": pa.array(ODD, pa.string()), "loaded_at": pa.array([AT] * 6, pa.timestamp("us"))}
    )
    engine.load("events", rows)
    engine.load("events", rows.slice(0, 2))
    monkeypatch.setattr(engine, "schema", engine.raw)
    columns, found = engine.rows("events")
    assert columns == ["user_id", "loaded_at"]
    assert sorted(found, key=str) == sorted(((t, AT) for t in ODD + ODD[:2]), key=str)
