"""The structure of the page: parts, each with its most important numbers and its figures."""

from dataclasses import dataclass, field

from dwell.report import charts, formatting
from dwell.report.marts import Row

# a chart of more bars can be zoomed
ZOOMS = 60


@dataclass
class Figure:
    """A table, usually with a chart of it, and a caption that states its main result.

    A row has what a chart draws and, under each heading, the text for table and tooltip.
    """

    id: str
    title: str
    caption: str
    head: list[str]
    rows: list[Row]
    chart: Row | None = None
    # [(colour, meaning)]
    legend: list[tuple[str, str]] = field(default_factory=list)
    zooms: bool = False
    # two of three columns
    is_wide: bool = False


@dataclass
class Part:
    """A part of the page."""

    id: str
    title: str
    caption: str = ""
    # [(name, number, note)]
    tiles: list[tuple[str, str, str]] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)


def texts(head: list[str], *values: str) -> dict[str, str]:
    """Return the texts of a row by heading."""
    return dict(zip(head, values, strict=True))


def in_classes(ident: str, title: str, caption: str, head: list[str], rows: list[Row]) -> Figure:
    """Return a figure of rows with `class`, `value`, and `label`: a horizontal bar for each."""
    return Figure(ident, title, caption, head, rows, charts.draw_classes(rows, head))


def histogram(ident: str, title: str, caption: str, head: list[str], rows: list[Row]) -> Figure:
    """Return a figure of rows with `class`, `value`, and `share`, without empty rows at the end."""
    while rows and not rows[-1]["value"]:
        rows.pop()
    for row in rows:
        share = formatting.percent(row.pop("share"))
        row |= texts(head, row["class"], formatting.count(row["value"]), share)
        row["label"] = f"{formatting.count(row['value'])} ({share})"
    return in_classes(ident, title, caption, head, rows)


def over_time(
    ident: str, title: str, caption: str, head: list[str], rows: list[Row], word: str = ""
) -> Figure:
    """Return a figure of values over time; a word labels the bars that are `marked`.

    A row has `from`, `to`, `value`, `marked`, and, where it is a day, week or month, `unit`. One
    row needs no chart.
    """
    figure = Figure(ident, title, caption, head, rows)
    if len(rows) > 1:
        is_by_day = rows[0].get("unit") == "day"
        figure.chart = charts.draw_timeline(rows, head, word, is_by_day)
        figure.legend = [("mark", f"the {word or 'most'}"), ("bar", "all others")]
        figure.zooms = len(rows) > ZOOMS
        figure.is_wide = True
    return figure
