"""What the page begins with."""

from dwell.report import formatting
from dwell.report.marts import Marts


def answers(marts: Marts) -> list[dict]:
    """Return the four questions, each with its answer, what it assumes, and the number in it."""
    if not marts.has("events"):
        return []
    rows = marts.rows(
        "select question, answer, assumption from main.product_answers order by question_number"
    )
    busiest = marts.rows("select activity_date as day from main.daily_activity where is_busiest")
    summary = marts.row("from main.session_summary")
    is_any = bool(summary["sessions"])
    day = formatting.date_of(busiest[0]["day"]) if len(busiest) == 1 else f"{len(busiest)} days"
    numbers = [
        day if busiest else "none",
        formatting.counted(summary["sessions"], "session"),
        formatting.counted(summary["most_events"], "event") if is_any else "none",
        formatting.duration(summary["mean_duration_seconds"]) if is_any else "none",
    ]
    for row, number in zip(rows, numbers, strict=True):
        # an answer may name a user, what it assumes may name events
        row |= {name: formatting.name(row[name], 600) for name in ("answer", "assumption")}
        row["number"] = number
    return rows


def span(marts: Marts) -> str:
    """Return what the page is about: from when to when, and how much."""
    told = []
    if marts.has("events"):
        told.append(days(marts, "daily_activity", "activity_date"))
        summary = marts.row("select sessions, visitors from main.session_summary")
        told += [formatting.counted(summary[f"{noun}s"], noun) for noun in ("session", "visitor")]
    elif marts.has("heartbeats"):
        told.append(days(marts, "daily_watch_time", "watch_date"))
    return " · ".join(text for text in told if text)


def days(marts: Marts, mart: str, column: str) -> str:
    """Return from which day to which a mart goes."""
    ends = marts.row(f"select min({column}) as first, max({column}) as last from main.{mart}")
    return formatting.days(ends["first"], ends["last"]) if ends["first"] else ""
