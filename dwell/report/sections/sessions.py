"""How long, how large and how frequent sessions are."""

from dwell.report import formatting
from dwell.report.figure import Figure, Part, histogram
from dwell.report.marts import Marts

# a user with more sessions on a day is counted with these
MOST_A_DAY = 10


def sessions(marts: Marts) -> Part:
    """Return three histograms."""
    part = Part("sessions", "Sessions")
    summary = marts.row("from main.session_summary")
    if summary["sessions"]:
        part.figures = [session_lengths(marts, summary), sizes(marts, summary), a_day(marts)]
    return part


def session_lengths(marts: Marts, summary: dict) -> Figure:
    """Return how long sessions last."""
    single = formatting.percent(summary["single_event_sessions"] / summary["sessions"])
    says = (
        "Half of all sessions last "
        f"{formatting.duration(summary['median_duration_seconds'])} or less; "
        f"the longest {formatting.duration(summary['longest_duration_seconds'])}. "
        f"{single} have a single event, and last 0 s."
    )
    return lengths(marts, "session", says)


def lengths(marts: Marts, noun: str, says: str) -> Figure:
    """Return how long sessions, or streams, last."""
    rows = marts.rows(
        f"""select seconds_from, seconds_to, {noun}s as value, share
        from main.{noun}_lengths order by seconds_from"""
    )
    for row in rows:
        row["class"] = formatting.span(row.pop("seconds_from"), row.pop("seconds_to"))
    head = ["Length", f"{noun.capitalize()}s", "Share"]
    return histogram(f"{noun}_lengths", f"How long {noun}s last", says, head, rows)


def sizes(marts: Marts, summary: dict) -> Figure:
    """Return how many events sessions have."""
    rows = marts.rows(
        """select events_from, events_to, sessions as value, share
        from main.session_sizes order by events_from"""
    )
    for row in rows:
        row["class"] = formatting.numbers(row.pop("events_from"), row.pop("events_to"), "event")
    says = f"A session has {summary['mean_events']:,.1f} events on average, "
    says += f"and {formatting.count(summary['most_events'])} at most."
    head = ["Events in the session", "Sessions", "Share"]
    return histogram("session_sizes", "Events in a session", says, head, rows)


def a_day(marts: Marts) -> Figure:
    """Return how many sessions a user has on a day with any."""
    rows = marts.rows(
        """with counted as (
            select least(sessions, $most) as sessions, count(*) as user_days
            from main.user_daily_sessions group by 1
        )
        select
            numbers.sessions,
            coalesce(user_days, 0) as value,
            coalesce(user_days, 0) / sum(user_days) over () as share
        from range(1, $most + 1) as numbers(sessions) left join counted using (sessions)
        order by numbers.sessions""",
        most=MOST_A_DAY,
    )
    for row in rows:
        least = row.pop("sessions")
        row["class"] = formatting.numbers(least, least if least < MOST_A_DAY else None, "session")
    mean = marts.row("select avg(sessions) as mean from main.user_daily_sessions")["mean"]
    says = (
        f"A user with any session on a day has {mean:,.2f} on average, and just one on "
        f"{formatting.percent(rows[0]['share'])} of such days. Who has no user id counts by device."
    )
    head = ["Sessions on the day", "Users and days", "Share"]
    return histogram("user_days", "Sessions of a user on a day", says, head, rows)
