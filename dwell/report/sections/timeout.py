"""The section on the timeout: what the data suggests, and what another timeout would change."""

from dwell.report import charts, formatting
from dwell.report.figure import Figure, Part, texts
from dwell.report.marts import Marts, Row


def make_timeout(marts: Marts) -> Part:
    """Return the gaps between events, and what there would be at other timeouts."""
    part = Part("timeout", "The timeout")
    timeouts = marts.rows("from main.timeout_sensitivity order by timeout_minutes")
    in_force = next((row for row in timeouts if row["is_in_force"]), None)
    if in_force:
        if rows := marts.rows("from main.timeout_gap_histogram order by seconds_from"):
            part.figures.append(plot_gaps(marts, rows, in_force["timeout_minutes"]))
        part.figures.append(plot_sensitivity(timeouts, in_force))
    return part


def plot_gaps(marts: Marts, rows: list[Row], minutes: float) -> Figure:
    """Return how long visitors are silent, with the fit and the timeout."""
    fit = marts.row("from main.timeout_fit")
    between = sum(row["gaps_between_islands"] for row in rows) / sum(row["gaps"] for row in rows)
    caption = f"{formatting.percent(between)} of all gaps are over {minutes:g} min. "
    legend = [("bar", "within a session"), ("second", "between two sessions")]
    lines: list[Row] = [
        {"seconds": minutes * 60, "label": f"timeout {minutes:g} min", "dashed": False}
    ]
    curve: list[Row] = []
    if fit["is_accepted"]:
        chosen = formatting.duration(round(fit["cut_seconds"] / 60) * 60)
        caption += (
            "They form two components, around "
            f"{formatting.duration(fit['typical_gap_within_seconds'])} and "
            f"around {formatting.duration(fit['typical_gap_between_seconds'])}, and are fewest in "
            f"between: the data suggests a timeout of {chosen}."
        )
        curve = marts.rows(
            """select seconds, gaps_within + gaps_between as gaps
            from main.timeout_fit_curve order by seconds"""
        )
        lines.append({"seconds": fit["cut_seconds"], "label": f"data {chosen}", "dashed": True})
        legend += [("ink", "the fit"), ("mark", "the timeout, and the data's own (dashed)")]
    else:
        caption += (
            "They do not form two components, so the data suggests no timeout."
            if fit["has_enough_gaps"]
            else "They are too few to suggest a timeout."
        )
        legend.append(("mark", "the timeout"))
    # the label of a line is on the side where the other line is not
    last = max(line["seconds"] for line in lines)
    for line in lines:
        line["side"] = "left" if line["seconds"] == last else "right"
    head = ["Gap", "Gaps within sessions", "Gaps between sessions"]
    for row in rows:
        row |= texts(
            head,
            f"{formatting.duration(row['seconds_from'])} to "
            f"{formatting.duration(row['seconds_to'])}",
            formatting.count(row["gaps"] - row["gaps_between_islands"]),
            formatting.count(row["gaps_between_islands"]),
        )
    return Figure(
        "gaps",
        "Where one session stops and the next begins",
        caption,
        head,
        rows,
        charts.draw_gaps(rows, curve, lines, head),
        legend,
        is_wide=True,
    )


def plot_sensitivity(rows: list[Row], in_force: Row) -> Figure:
    """Return what there would be at other timeouts."""
    head = ["Timeout", "Sessions", "Against now", "Average", "Median", "Most events"]
    for row in rows:
        change = formatting.change(row["sessions"] / in_force["sessions"] - 1)
        row |= {"value": row["sessions"], "marked": row["is_in_force"]}
        row |= texts(
            head,
            f"{row['timeout_minutes']:g} min",
            formatting.count(row["sessions"]),
            "in force" if row["marked"] else change,
            formatting.duration(row["mean_duration_seconds"]),
            formatting.duration(row["median_duration_seconds"]),
            formatting.count(row["most_events"]),
        )
    minutes = in_force["timeout_minutes"]
    shorter = [row for row in rows if row["timeout_minutes"] <= minutes / 2][-1:]
    longer = [row for row in rows if row["timeout_minutes"] >= minutes * 2][:1]
    caption = f"Now it is {in_force['Timeout']}, which gives "
    caption += f"{formatting.counted(in_force['sessions'], 'session')}."
    for row in shorter + longer:
        caption += (
            f" Had you chosen {row['Timeout']}, there would be {row['Sessions']} "
            f"({row['Against now']}), {row['Average']} long on average."
        )
    chart = charts.draw_sensitivity(rows, head)
    return Figure("sensitivity", "Had you chosen another timeout", caption, head, rows, chart)
