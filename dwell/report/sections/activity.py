"""What happened when."""

from dwell.report import formatting
from dwell.report.figure import Figure, Part, in_classes, over_time, texts
from dwell.report.marts import Marts

FIRST = 10


def activity(marts: Marts) -> Part:
    """Return events by day and by name."""
    part = Part("activity", "Activity")
    if rows := marts.by_day("daily_activity", ["events", "sessions_started"]):
        part.figures = [by_day(rows), by_name(marts)]
    return part


def by_day(rows: list[dict]) -> Figure:
    """Return how many events there are a day; the busiest is marked."""
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
    told = f"the average {unit} has {formatting.count(mean) if mean >= 10 else f'{mean:.1f}'}."
    if len(busiest) == 1:
        says = (
            f"{busiest[0][head[0]]} was the busiest, "
            f"with {formatting.counted(most, 'event')}; {told}"
        )
    else:
        says = (
            f"The busiest {unit}s are {len(busiest)}, "
            f"with {formatting.counted(most, 'event')}; {told}"
        )
    return over_time("days", f"Events by {unit}", says, head, rows, "busiest")


def by_name(marts: Marts) -> Figure:
    """Return the most frequent events."""
    head = ["Event", "Events", "Share"]
    rows = marts.rows(
        """select event_name, events as value, events / sum(events) over () as share,
            count(*) over () as names
        from main.event_names order by events desc, event_name limit $first""",
        first=FIRST,
    )
    says = f"The most frequent event is {formatting.name(rows[0]['event_name'])}, "
    says += f"{formatting.percent(rows[0]['share'])} of all events."
    if (others := rows[0]["names"] - FIRST) > 0:
        rest = formatting.percent(1 - sum(row["share"] for row in rows))
        says += f" {formatting.counted(others, 'other name')} make up {rest}."
    for row in rows:
        row["class"] = formatting.name(row["event_name"])
        row |= texts(
            head, row["class"], formatting.count(row["value"]), formatting.percent(row["share"])
        )
        row["label"] = f"{row['Events']} ({row['Share']})"
    return in_classes("names", "Events by name", says, head, rows)
