"""What the page is made of: parts, each with numbers to read first and with figures."""

from dataclasses import dataclass, field

from dwell.report import charts, formatting

# a chart of more bars can be looked at more closely
ZOOMS = 60


@dataclass
class Figure:
    """A table, and mostly a chart of it, with a sentence that says what to read off.

    A row has what a chart draws, and, under each heading, the text that table and tooltip tell.
    """

    id: str
    title: str
    says: str
    head: list[str]
    rows: list[dict]
    chart: dict | None = None
    # [(colour, what it stands for)]
    legend: list[tuple[str, str]] = field(default_factory=list)
    zooms: bool = False
    # two of three columns
    is_wide: bool = False


@dataclass
class Part:
    """A part of the page."""

    id: str
    title: str
    says: str = ""
    # [(what, number, note)]
    tiles: list[tuple[str, str, str]] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)


def texts(head: list[str], *told: str) -> dict:
    """Return what a row tells under each heading."""
    return dict(zip(head, told, strict=True))


def in_classes(ident: str, title: str, says: str, head: list[str], rows: list[dict]) -> Figure:
    """Return a figure of rows with `class`, `value` and `label`: a bar across for each."""
    return Figure(ident, title, says, head, rows, charts.in_classes(rows, head))


def histogram(ident: str, title: str, says: str, head: list[str], rows: list[dict]) -> Figure:
    """Return a figure of rows with `class`, `value` and `share`, less the last empty ones."""
    while rows and not rows[-1]["value"]:
        rows.pop()
    for row in rows:
        share = formatting.percent(row.pop("share"))
        row |= texts(head, row["class"], formatting.count(row["value"]), share)
        row["label"] = f"{formatting.count(row['value'])} ({share})"
    return in_classes(ident, title, says, head, rows)


def over_time(
    ident: str, title: str, says: str, head: list[str], rows: list[dict], word: str = ""
) -> Figure:
    """Return a figure of what was when; a word stands over the bars that are `marked`.

    A row has `from`, `to`, `value`, `marked`, and, where it is a day, week or month, `unit`. One
    row needs no chart.
    """
    figure = Figure(ident, title, says, head, rows)
    if len(rows) > 1:
        is_by_day = rows[0].get("unit") == "day"
        figure.chart = charts.over_time(rows, head, word, is_by_day)
        figure.legend = [("mark", f"the {word or 'most'}"), ("bar", "all others")]
        figure.zooms = len(rows) > ZOOMS
        figure.is_wide = True
    return figure
