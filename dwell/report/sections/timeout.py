"""What the data says of the timeout, and what another would change."""

from dwell.report import charts, formatting
from dwell.report.figure import Figure, Part, texts
from dwell.report.marts import Marts


def timeout(marts: Marts) -> Part:
    """Return the gaps between events, and what there would be at other timeouts."""
    part = Part("timeout", "The timeout")
    timeouts = marts.rows("from main.timeout_sensitivity order by timeout_minutes")
    in_force = next((row for row in timeouts if row["is_in_force"]), None)
    if in_force:
        if rows := marts.rows("from main.timeout_gap_histogram order by seconds_from"):
            part.figures.append(gaps(marts, rows, in_force["timeout_minutes"]))
        part.figures.append(sensitivity(timeouts, in_force))
    return part


def gaps(marts: Marts, rows: list[dict], minutes: float) -> Figure:
    """Return how long visitors are silent, with the fit and the timeout."""
    fit = marts.row("from main.timeout_fit")
    between = sum(row["gaps_between_runs"] for row in rows) / sum(row["gaps"] for row in rows)
    says = f"{formatting.percent(between)} of all gaps are over {minutes:g} min. "
    legend = [("bar", "within a session"), ("second", "between two sessions")]
    lines = [{"seconds": minutes * 60, "label": f"timeout {minutes:g} min", "dashed": False}]
    curve = []
    if fit["is_accepted"]:
        chosen = formatting.duration(round(fit["cut_seconds"] / 60) * 60)
        says += (
            "They form two hills, around "
            f"{formatting.duration(fit['typical_gap_within_seconds'])} and "
            f"around {formatting.duration(fit['typical_gap_between_seconds'])}, and are fewest in "
            f"between: the data itself would choose a timeout of {chosen}."
        )
        curve = marts.rows(
            """select seconds, gaps_within + gaps_between as gaps
            from main.timeout_fit_curve order by seconds"""
        )
        lines.append({"seconds": fit["cut_seconds"], "label": f"data {chosen}", "dashed": True})
        legend += [("ink", "the fit"), ("mark", "the timeout, and the data's own (dashed)")]
    else:
        says += (
            "They do not form two hills, so that the data itself chooses no timeout."
            if fit["has_enough_gaps"]
            else "They are too few to say which timeout the data itself would choose."
        )
        legend.append(("mark", "the timeout"))
    # a line's word is on the side where the other line is not
    last = max(line["seconds"] for line in lines)
    for line in lines:
        line["side"] = "left" if line["seconds"] == last else "right"
    head = ["Gap", "Gaps within sessions", "Gaps between sessions"]
    for row in rows:
        row |= texts(
            head,
            f"{formatting.duration(row['seconds_from'])} to "
            f"{formatting.duration(row['seconds_to'])}",
            formatting.count(row["gaps"] - row["gaps_between_runs"]),
            formatting.count(row["gaps_between_runs"]),
        )
    return Figure(
        "gaps",
        "Where one session stops and the next begins",
        says,
        head,
        rows,
        charts.gaps(rows, curve, lines, head),
        legend,
        is_wide=True,
    )


def sensitivity(rows: list[dict], in_force: dict) -> Figure:
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
    says = f"Now it is {in_force['Timeout']}, which gives "
    says += f"{formatting.counted(in_force['sessions'], 'session')}."
    for row in shorter + longer:
        says += (
            f" Had you chosen {row['Timeout']}, there would be {row['Sessions']} "
            f"({row['Against now']}), {row['Average']} long on average."
        )
    chart = charts.sensitivity(rows, head)
    return Figure("sensitivity", "Had you chosen another timeout", says, head, rows, chart)
