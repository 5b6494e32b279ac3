"""The query of docs/how-to/migrate.md, which compares other sessions with dwell's."""

import re

import duckdb
import pytest
from support.project import ROOT, Project

QUERY = re.search(
    r"```sql\n(.*?)```", (ROOT / "docs" / "how-to" / "migrate.md").read_text(), re.DOTALL
)[1]
SHOP = ROOT.parent / "shared" / "data" / "ecommerce_sessions" / "events.csv"


def compared(connection):
    found = connection.execute(QUERY)
    return dict(zip([d[0] for d in found.description], found.fetchone(), strict=True))


def sessions_of(ids):
    """A table of events, one a minute, each in the session that a letter names; - for none."""
    return [
        ("phone", f"2025-03-01 10:{minute:02}", "view", None if letter == "-" else letter)
        for minute, letter in enumerate(ids)
    ]


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        # events, sessions of theirs and ours, equal, split, merged; pairs kept together, and before
        ("aaabb", "xxxyy", (5, 2, 2, 2, 0, 0, 1, 1)),
        # theirs has a session of 4 that ours divides by 2 and 2: 2 of its 6 pairs are left
        ("aaaab", "xxyyz", (5, 2, 3, 1, 1, 0, 2 / 6, 1)),
        # ours has one of 4 of theirs of 1 and 3
        ("abbbc", "xxxxy", (5, 3, 2, 1, 0, 1, 1, 3 / 6)),
        # both at once: none is equal
        ("aabb", "xyyy", (4, 2, 2, 0, 1, 1, 1 / 2, 1 / 3)),
        # what has no session on one side is left out
        ("aa-b", "x-yy", (2, 2, 2, 2, 0, 0, None, None)),
    ],
)
def test_sessions_are_counted_as_equal_split_or_merged(theirs, ours, expected):
    with duckdb.connect() as connection:
        for table, time, ids in (
            ("their_events", "event_time", theirs),
            ("fct_events", "event_at", ours),
        ):
            connection.execute(
                f"create table {table} "
                f"(device_id text, {time} timestamp, event_name text, session_id text)"
            )
            connection.executemany(f"insert into {table} values (?, ?, ?, ?)", sessions_of(ids))
        assert tuple(compared(connection).values()) == pytest.approx(expected)


@pytest.mark.skipif(not SHOP.exists(), reason="real data is not beside this checkout")
def test_a_trackers_sessions_of_a_real_shop_are_dwells(tmp_path):
    dwell = Project(
        tmp_path,
        events_path=str(SHOP),
        events_columns={
            "user_id": None,
            "device_id": "entity",
            "app_version": None,
            "client": None,
        },
        drop_exact_duplicates=False,
    )
    dwell.run("run", "--select", "int_web__events_sessionized+1", "int_web__sessions_numbered")
    with duckdb.connect(str(dwell.database)) as connection:
        connection.execute(
            """create temporary table their_events as
            select distinct
                entity as device_id, event_time, event_name, tracker_session_id as session_id
            from read_csv(?)""",
            [str(SHOP)],
        )
        told = compared(connection)
    # the tracker's own package counts 833 events and 63 sessions
    assert (told["events"], told["their_sessions"], told["equal_sessions"]) == (833, 63, 63)
