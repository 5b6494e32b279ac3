"""Days begin at midnight in reporting_timezone, on days of 23 and 25 hours too."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from support.events import write_events


@pytest.mark.parametrize(
    "zone", ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
)
def test_events_and_sessions_are_on_the_local_day(project, tmp_path, zone):
    # every 17 minutes around both changes of the offset in New York and on Lord Howe Island
    times = [
        start + timedelta(minutes=17 * k)
        for start in (
            datetime(2025, 3, 8),
            datetime(2025, 4, 5),
            datetime(2025, 10, 4),
            datetime(2025, 11, 1),
        )
        for k in range(250)
    ]
    path = write_events(
        tmp_path / "events.csv",
        [("view", f"u{i % 3}", time.isoformat()) for i, time in enumerate(times)],
    )
    dwell = project(events_path=str(path), reporting_timezone=zone, session_timeout_minutes=20)
    dwell.run("run", "--select", "+daily_activity", "+user_daily_sessions")
    day = [time.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() for time in times]
    expected = Counter(day)
    # each visitor comes every 51 minutes, so each event is a session
    assert dwell.rows(
        "select activity_date, events, sessions_started from daily_activity order by 1"
    ) == [(d, n, n) for d, n in sorted(expected.items())]
    per_user = Counter((d, f"u{i % 3}") for i, d in enumerate(day))
    assert dwell.rows(
        "select session_date, user_id, sessions from user_daily_sessions order by 1, 2"
    ) == [(*who, n) for who, n in sorted(per_user.items())]
