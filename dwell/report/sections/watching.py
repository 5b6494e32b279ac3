"""What was watched, and is."""

from dwell.report import formatting
from dwell.report.figure import Figure, Part, over_time, texts
from dwell.report.marts import Marts
from dwell.report.sections.sessions import lengths

FIRST = 10


def watching(marts: Marts) -> Part:
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
        """select count(*) as streams, max(last_heartbeat_at) as last_heard_at
        from main.ongoing_watch_streams"""
    )
    days = marts.by_day("daily_watch_time", ["watched_seconds", "streams"])
    peak = max(row["streams"] for row in rows)
    heard_at = ongoing["last_heard_at"]
    part.tiles = [
        ("Ended", formatting.count(ended["streams"]), "streams"),
        (
            "Going on now",
            formatting.count(ongoing["streams"]),
            f"as of {formatting.moment(heard_at)}" if heard_at else "",
        ),
        ("Most at once", formatting.count(peak), "streams in one moment"),
        ("Watched", formatting.duration(sum(day["watched_seconds"] for day in days)), "in all"),
    ]
    part.figures.append(at_once(rows, peak))
    if ended["streams"]:
        says = f"Half of all ended streams lasted {formatting.duration(ended['median'])} or less; "
        says += f"the longest {formatting.duration(ended['longest'])}."
        part.figures.append(lengths(marts, "stream", says))
    part.figures.append(watch_time(days))
    if ongoing["streams"]:
        part.figures.append(now(marts))
    return part


def at_once(rows: list[dict], peak: int) -> Figure:
    """Return how many streams there were at once."""
    minutes = rows[0]["minutes"]
    head = ["From (UTC)", "Most streams at once"]
    for row in rows:
        row |= {"value": row["streams"], "marked": row["streams"] == peak}
        row |= texts(head, formatting.minute(row["start"]), formatting.count(row["streams"]))
    first = next(row for row in rows if row["marked"])[head[0]]
    length = "minute" if minutes == 1 else formatting.duration(minutes * 60)
    title = "Streams at once, by minute" if minutes == 1 else f"Most streams at once, each {length}"
    says = (
        f"The most at once were {formatting.counted(peak, 'stream')}, first in the {length} from "
    )
    says += f"{first} (UTC)."
    return over_time("concurrency", title, says, head, rows)


def watch_time(rows: list[dict]) -> Figure:
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
    says = f"The {unit} on which most was watched: {first[head[0]]}, with {first['Watched']}."
    return over_time("watch_time", f"{name} watched by {unit}", says, head, rows, "most")


def now(marts: Marts) -> Figure:
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
    says = f"{formatting.counted(programs, 'program')} with a stream that has not ended"
    says += f"; these have the most of them, {FIRST} in all." if programs > FIRST else "."
    for row in rows:
        row |= texts(
            head,
            formatting.name(row["program_id"]),
            formatting.count(row["streams"]),
            formatting.duration(row["mean"]),
        )
    return Figure("now", "Going on now", says, head, rows)
