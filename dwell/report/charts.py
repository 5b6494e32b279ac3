"""Charts by Vega-Lite. A row has what is drawn and, as text, what its tooltip and table show.

Colours are CSS variables, so that the style of the page defines them for light, dark, and paper.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

import altair as alt

from dwell.report.marts import Row

Align = Literal["left", "center", "right"]

BAR, MARK, SECOND, LINE = "var(--bar)", "var(--mark)", "var(--second)", "var(--ink)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
CONFIG = {
    "font": FONT,
    "background": "transparent",
    # the page describes each chart in a sentence, and has a table of it
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--quiet)",
        "titleColor": "var(--quiet)",
        "gridColor": "var(--line)",
        "domainColor": "var(--edge)",
        "tickColor": "var(--edge)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
    "text": {"font": FONT, "fontSize": 12},
}
# A gap of so many seconds: 30 s, 5 min, 2 h, 7 d
AS_DURATION = (
    "datum.value < 60 ? format(datum.value, '~r') + ' s'"
    " : datum.value < 3600 ? format(datum.value / 60, '~r') + ' min'"
    " : datum.value < 86400 ? format(datum.value / 3600, '~r') + ' h'"
    " : format(datum.value / 86400, '~r') + ' d'"
)
# 19:05, 7 Mar, and over more than some weeks Mar 2025 where a month begins
AS_MOMENT = (
    "utchours(datum.value) || utcminutes(datum.value) ? utcFormat(datum.value, '%H:%M')"
    " : utcFormat(datum.value, utcdate(datum.value) > 1 || {of_weeks} ? '%-d %b' : '%b %Y')"
)
FEW_WEEKS = timedelta(days=62)
# where a label is aligned, and its distance in pixels
SIDES: tuple[tuple[Align, int], ...] = (("left", 6), ("right", -6))


def draw_timeline(rows: list[Row], columns: list[str], word: str, is_by_day: bool) -> Row:
    """Draw bars from `from` to `to`, as high as `value`; a word labels those that are `marked`."""
    marked = [i for i, row in enumerate(rows) if row["marked"]] if word else []
    # few days: one date each, and no hours in between
    dates = [ms(row["from"]) for row in rows] if is_by_day and len(rows) <= 14 else alt.Undefined
    first, last = (datetime.fromisoformat(row["from"]) for row in (rows[0], rows[-1]))
    of_weeks = last - first < FEW_WEEKS
    # all times are UTC, whose days are the same wherever the page is read
    scale = alt.Scale(type="utc")
    zoom = alt.selection_interval(
        name="zoom", encodings=["x"], bind="scales", zoom="wheel![event.ctrlKey]"
    )
    x = alt.X(
        "from:T",
        scale=scale,
        axis=alt.Axis(
            title=None,
            grid=False,
            values=dates,
            tickCount=8,
            labelExpr=AS_MOMENT.format(of_weeks=str(of_weeks).lower()),
            labelFlush=False,
            labelOverlap="parity",
            labelSeparation=10,
        ),
    )
    # room for the word above the bar
    most = max(row["value"] for row in rows) * (1.12 if marked else 1)
    y = alt.Y("value:Q", axis=counts(most), scale=alt.Scale(domain=[0, most or 1], nice=not marked))
    base = alt.Chart(data(rows, ["from", "to", "value", "marked"], columns)).encode(x=x)
    # the date of a day is under the middle of its bar
    earlier = 43_200_000 if is_by_day else 0
    for end in ("from", "to"):
        base = base.transform_calculate(**{end: f"toDate(datum.{end}) - {earlier}"})
    bars = (
        base.mark_bar(clip=True, stroke="var(--card)", strokeWidth=0.7 if len(rows) < 100 else 0)
        .encode(
            x2="to:T",
            y=y,
            # from here to there on both axes, so that neither is guessed
            y2=alt.Y2Datum(0),
            color=alt.condition("datum.marked", alt.value(MARK), alt.value(BAR)),
            tooltip=tips(columns),
        )
        .add_params(zoom)
    )
    if not marked:
        return spec(bars, 220)
    offset = marked[0] / len(rows)
    # near an end, the label extends inwards
    align: Align = "left" if offset < 0.15 else "right" if offset > 0.85 else "center"
    label = (
        base.transform_filter("datum.marked")
        .transform_calculate(middle="(datum.from + datum.to) / 2")
        .mark_text(dy=-8, color=MARK, fontWeight=600, clip=True, align=align)
        .encode(x=alt.X("middle:T", scale=scale), y=y, text=alt.value(word))
    )
    return spec(bars + label, 220)


def draw_classes(rows: list[Row], columns: list[str]) -> Row:
    """Draw a horizontal bar for each row's `class`, with its `label` at the end."""
    longest = max(row["value"] for row in rows) or 1
    # the longest bar leaves room for the longest label, 7 pixels a letter
    label = 7 * max(len(row["label"]) for row in rows) + 8
    room = alt.ExprRef(f"{longest} * width / max(width - {label}, 40)")
    base = alt.Chart(data(rows, ["class", "value", "label"], columns)).encode(
        y=alt.Y(
            "class:N",
            sort=None,
            axis=alt.Axis(
                title=None,
                domain=False,
                ticks=False,
                labelPadding=8,
                labelLimit=170,
                labelColor=LINE,
            ),
            scale=alt.Scale(paddingInner=0.25, paddingOuter=0.1),
        ),
        x=alt.X("value:Q", axis=None, scale=alt.Scale(domainMin=0, domainMax=room, nice=False)),
    )
    bars = base.mark_bar(cornerRadiusEnd=2, color=BAR).encode(tooltip=tips(columns))
    labels = base.mark_text(align="left", dx=6, color="var(--quiet)").encode(text="label:N")
    return spec(bars + labels, 26 * len(rows))


def draw_gaps(rows: list[Row], curve: list[Row], lines: list[Row], columns: list[str]) -> Row:
    """Draw the histogram of gaps on a logarithmic scale, the fit, and lines with a `label` each."""
    parts = [
        {"low": low, "high": high, "between": is_between, **row}
        for row in rows
        for within in [row["gaps"] - row["gaps_between_islands"]]
        for low, high, is_between in ((0, within, False), (within, row["gaps"], True))
        if high > low
    ]
    scale = alt.Scale(type="log", nice=False)
    axis = alt.Axis(
        title="Gap between two events of a visitor (logarithmic scale)",
        values=[1, 10, 60, 600, 3600, 21600, 86400, 604800, 2592000],
        labelExpr=AS_DURATION,
        grid=False,
        labelOverlap=True,
    )
    x = alt.X("seconds_from:Q", scale=scale, axis=axis)
    y = alt.Y("low:Q", axis=counts(max(row["gaps"] for row in rows)))
    bars = (
        alt.Chart(data(parts, ["seconds_from", "seconds_to", "low", "high", "between"], columns))
        .mark_bar(stroke="var(--card)", strokeWidth=0.7)
        # on a logarithmic axis a bar needs an explicit end
        .encode(x=x, x2="seconds_to:Q", y=y, y2="high:Q", tooltip=tips(columns))
        .encode(color=alt.condition("datum.between", alt.value(SECOND), alt.value(BAR)))
    )
    fit = (
        alt.Chart(values(curve))
        .mark_line(color=LINE, strokeWidth=1.5)
        .encode(x=alt.X("seconds:Q", scale=scale, axis=axis), y="gaps:Q")
    )
    base = alt.Chart(values(lines)).encode(x=alt.X("seconds:Q", scale=scale, axis=axis))
    rules = base.mark_rule(strokeWidth=2, color=MARK).encode(
        strokeDash=alt.condition("datum.dashed", alt.value([4, 4]), alt.value([1, 0]))
    )
    # on the side where the other line is not
    names = [
        base.transform_filter(f"datum.side == '{side}'")
        .mark_text(align=side, dx=dx, color=MARK, fontWeight=600)
        .encode(text="label:N", y=alt.value(8))
        for side, dx in SIDES
        if any(line["side"] == side for line in lines)
    ]
    return spec(alt.layer(bars, *([fit] if curve else []), rules, *names), 260)


def draw_sensitivity(rows: list[Row], columns: list[str]) -> Row:
    """Draw a curve of `value` over `timeout_minutes`, on which the one in force is `marked`."""
    base = alt.Chart(data(rows, ["timeout_minutes", "value", "marked"], columns)).encode(
        x=alt.X(
            "timeout_minutes:Q",
            scale=alt.Scale(type="log", nice=False, padding=14),
            axis=alt.Axis(
                title="Timeout in minutes",
                values=[row["timeout_minutes"] for row in rows],
                format="~r",
                grid=False,
                labelOverlap=True,
            ),
        ),
        y=alt.Y(
            "value:Q",
            axis=counts(max(row["value"] for row in rows)),
            scale=alt.Scale(zero=True),
        ),
    )
    line = base.mark_line(color=BAR, strokeWidth=2)
    points = base.mark_circle(opacity=1).encode(
        size=alt.condition("datum.marked", alt.value(130), alt.value(60)),
        color=alt.condition("datum.marked", alt.value(MARK), alt.value(BAR)),
        tooltip=tips(columns),
    )
    label = (
        base.transform_filter("datum.marked")
        .mark_text(dy=22, color=MARK, fontWeight=600)
        .encode(text="Timeout:N")
    )
    return spec(line + points + label, 220)


def ms(day: str) -> float:
    """Return where a day is on a scale of time, in milliseconds since 1970."""
    return datetime.fromisoformat(f"{day}T00:00:00Z").timestamp() * 1000


def counts(most: float) -> alt.Axis:
    """Return an axis of numbers up to a greatest one; where that is small, without halves."""
    return alt.Axis(
        title=None,
        tickCount=4,
        values=list(range(int(most) + 1)) if most < 5 else alt.Undefined,
        labelExpr="format(datum.value, datum.value < 10000 ? ',' : '~s')",
    )


def data(rows: list[Row], drawn: list[str], columns: list[str]) -> Any:
    """Return the values of each row that are drawn, or that its tooltip shows."""
    names = {*drawn, *columns}
    return values([{k: v for k, v in row.items() if k in names} for row in rows])


def values(rows: list[Row]) -> Any:
    """Return rows as the data of a chart."""
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def tips(columns: list[str]) -> list[alt.Tooltip]:
    """Return a tooltip with the texts of a row."""
    return [alt.Tooltip(f"{column}:N") for column in columns]


def spec(chart: Any, height: int) -> Row:
    """Return a chart as Vega-Lite, as wide as its container."""
    configured = chart.properties(width="container", height=height).configure(**CONFIG)
    drawn: Row = configured.to_dict()
    return drawn
