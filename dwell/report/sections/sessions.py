"""The section on sessions: how long, how large, and how frequent they are."""

from dwell.report import formatting
from dwell.report.figure import Figure, Part, histogram
from dwell.report.marts import Marts, Row

# a user with more sessions on a day is counted with these
MOST_A_DAY = 10


def make_sessions(marts: Marts) -> Part:
    """Return three histograms."""
    part = Part("sessions", "Sessions")
    summary = marts.row("from main.session_summary")
    if summary["sessions"]:
        part.figures = [
            plot_session_lengths(marts, summary),
            plot_sizes(marts, summary),
            plot_sessions_per_day(marts),
        ]
    return part


def plot_session_lengths(marts: Marts, summary: Row) -> Figure:
    """Return how long sessions last."""
    single = formatting.percent(summary["single_event_sessions"] / summary["sessions"])
    caption = (
        "Half of all sessions last "
        f"{formatting.duration(summary['median_duration_seconds'])} or less; "
        f"the longest {formatting.duration(summary['longest_duration_seconds'])}. "
        f"{single} have a single event, and last 0 s."
    )
    return plot_lengths(marts, "session", caption)


def plot_lengths(marts: Marts, noun: str, caption: str) -> Figure:
    """Return how long sessions, or streams, last."""
    rows = marts.rows(
        f"""select seconds_from, seconds_to, {noun}s as value, share
        from main.{noun}_lengths order by seconds_from"""
    )
    for row in rows:
        row["class"] = formatting.span(row.pop("seconds_from"), row.pop("seconds_to"))
    head = ["Length", f"{noun.capitalize()}s", "Share"]
    return histogram(f"{noun}_lengths", f"How long {noun}s last", caption, head, rows)


def plot_sizes(marts: Marts, summary: Row) -> Figure:
    """Return how many events sessions have."""
    rows = marts.rows(
        """select events_from, events_to, sessions as value, share
        from main.session_sizes order by events_from"""
    )
    for row in rows:
        row["class"] = formatting.numbers(row.pop("events_from"), row.pop("events_to"), "event")
    caption = f"A session has {summary['mean_events']:,.1f} events on average, "
    caption += f"and {formatting.count(summary['most_events'])} at most."
    head = ["Events in the session", "Sessions", "Share"]
    return histogram("session_sizes", "Events in a session", caption, head, rows)


def plot_sessions_per_day(marts: Marts) -> Figure:
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
    caption = (
        f"A user with any session on a day has {mean:,.2f} on average, and just one on "
        f"{formatting.percent(rows[0]['share'])} of such days. Users without a user id count by "
        "device."
    )
    head = ["Sessions on the day", "Users and days", "Share"]
    return histogram("user_days", "Sessions of a user on a day", caption, head, rows)
