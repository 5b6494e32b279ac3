"""The section on activity by day and by event name."""

from dwell.report import formatting
from dwell.report.figure import Figure, Part, in_classes, over_time, texts
from dwell.report.marts import Marts, Row

FIRST = 10


def make_activity(marts: Marts) -> Part:
    """Return events by day and by name."""
    part = Part("activity", "Activity")
    if rows := marts.by_day("daily_activity", ["events", "sessions_started"]):
        part.figures = [plot_days(rows), plot_names(marts)]
    return part


def plot_days(rows: list[Row]) -> Figure:
    """Return the events by day; the busiest day is marked."""
    unit = rows[0]["unit"]
    head = [unit.capitalize(), "Events", "Sessions started"]
    most = max(row["events"] for row in rows)
    for row in rows:
        events = row["events"]
        row |= {"value": events, "marked": 0 < events == most}
        row |= texts(
            head,
            formatting.period(unit, row["from"]),
            formatting.count(events),
            formatting.count(row["sessions_started"]),
        )
    busiest = [row for row in rows if row["marked"]]
    mean = sum(row["value"] for row in rows) / len(rows)
    average = f"the average {unit} has {formatting.count(mean) if mean >= 10 else f'{mean:.1f}'}."
    if len(busiest) == 1:
        caption = (
            f"{busiest[0][head[0]]} was the busiest, "
            f"with {formatting.counted(most, 'event')}; {average}"
        )
    else:
        caption = (
            f"The busiest {unit}s are {len(busiest)}, "
            f"with {formatting.counted(most, 'event')}; {average}"
        )
    return over_time("days", f"Events by {unit}", caption, head, rows, "busiest")


def plot_names(marts: Marts) -> Figure:
    """Return the most frequent events."""
    head = ["Event", "Events", "Share"]
    rows = marts.rows(
        """select event_name, events as value, events / sum(events) over () as share,
            count(*) over () as names
        from main.event_names order by events desc, event_name limit $first""",
        first=FIRST,
    )
    caption = f"The most frequent event is {formatting.name(rows[0]['event_name'])}, "
    caption += f"{formatting.percent(rows[0]['share'])} of all events."
    if (others := rows[0]["names"] - FIRST) > 0:
        rest = formatting.percent(1 - sum(row["share"] for row in rows))
        caption += f" {formatting.counted(others, 'other name')} make up {rest}."
    for row in rows:
        row["class"] = formatting.name(row["event_name"])
        row |= texts(
            head, row["class"], formatting.count(row["value"]), formatting.percent(row["share"])
        )
        row["label"] = f"{row['Events']} ({row['Share']})"
    return in_classes("names", "Events by name", caption, head, rows)
