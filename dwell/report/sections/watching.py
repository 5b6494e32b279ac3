"""The section on watch streams."""

from dwell.report import formatting
from dwell.report.figure import Figure, Part, over_time, texts
from dwell.report.marts import Marts, Row
from dwell.report.sections.sessions import plot_lengths

FIRST = 10


def make_watching(marts: Marts) -> Part:
    """Return how many streams there were at once, how long they were, and what is on now."""
    part = Part("watching", "Watch streams")
    rows = marts.concurrency()
    if not rows:
        return part
    ended = marts.row(
        """select count(*) as streams, median(stream_duration) as median,
            max(stream_duration) as longest
        from main.fct_watch_streams"""
    )
    ongoing = marts.row(
        """select count(*) as streams, max(last_heartbeat_at) as last_heartbeat_at
        from main.ongoing_watch_streams"""
    )
    days = marts.by_day("daily_watch_time", ["watched_seconds", "streams"])
    peak = max(row["streams"] for row in rows)
    last_heartbeat_at = ongoing["last_heartbeat_at"]
    part.tiles = [
        ("Ended", formatting.count(ended["streams"]), "streams"),
        (
            "Going on now",
            formatting.count(ongoing["streams"]),
            f"as of {formatting.moment(last_heartbeat_at)}" if last_heartbeat_at else "",
        ),
        ("Most at once", formatting.count(peak), "streams in one moment"),
        ("Watched", formatting.duration(sum(day["watched_seconds"] for day in days)), "in all"),
    ]
    part.figures.append(plot_concurrency(rows, peak))
    if ended["streams"]:
        caption = (
            f"Half of all ended streams lasted {formatting.duration(ended['median'])} or less; "
        )
        caption += f"the longest {formatting.duration(ended['longest'])}."
        part.figures.append(plot_lengths(marts, "stream", caption))
    part.figures.append(plot_watch_time(days))
    if ongoing["streams"]:
        part.figures.append(list_ongoing(marts))
    return part


def plot_concurrency(rows: list[Row], peak: int) -> Figure:
    """Return how many streams there were at once."""
    minutes = rows[0]["minutes"]
    head = ["From (UTC)", "Most streams at once"]
    for row in rows:
        row |= {"value": row["streams"], "marked": row["streams"] == peak}
        row |= texts(head, formatting.minute(row["start"]), formatting.count(row["streams"]))
    first = next(row for row in rows if row["marked"])[head[0]]
    length = "minute" if minutes == 1 else formatting.duration(minutes * 60)
    title = "Streams at once, by minute" if minutes == 1 else f"Most streams at once, each {length}"
    caption = (
        f"The most at once were {formatting.counted(peak, 'stream')}, first in the {length} from "
    )
    caption += f"{first} (UTC)."
    return over_time("concurrency", title, caption, head, rows)


def plot_watch_time(rows: list[Row]) -> Figure:
    """Return how much was watched when."""
    unit = rows[0]["unit"]
    head = [unit.capitalize(), "Watched", "Streams"]
    most = max(row["watched_seconds"] for row in rows)
    name, seconds = ("Hours", 3600) if most > 7200 else ("Minutes", 60)
    for row in rows:
        watched = row["watched_seconds"]
        row |= {"value": round(watched / seconds, 2), "marked": 0 < watched == most}
        row |= texts(
            head,
            formatting.period(unit, row["from"]),
            formatting.duration(watched),
            formatting.count(row["streams"]),
        )
    first = next((row for row in rows if row["marked"]), rows[0])
    caption = f"The {unit} on which most was watched: {first[head[0]]}, with {first['Watched']}."
    return over_time("watch_time", f"{name} watched by {unit}", caption, head, rows, "most")


def list_ongoing(marts: Marts) -> Figure:
    """Return which programs are on."""
    head = ["Program", "Streams", "Average so far"]
    rows = marts.rows(
        """select program_id, count(*) as streams, avg(watched_seconds) as mean,
            count(*) over () as programs
        from main.ongoing_watch_streams group by program_id
        order by streams desc, program_id limit $first""",
        first=FIRST,
    )
    programs = rows[0]["programs"]
    caption = f"{formatting.counted(programs, 'program')} with a stream that has not ended"
    caption += f"; these have the most of them, {FIRST} in all." if programs > FIRST else "."
    for row in rows:
        row |= texts(
            head,
            formatting.name(row["program_id"]),
            formatting.count(row["streams"]),
            formatting.duration(row["mean"]),
        )
    return Figure("now", "Going on now", caption, head, rows)
