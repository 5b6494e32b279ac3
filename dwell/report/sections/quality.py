"""The section on data quality: what became of every row that was read."""

from dwell.report import formatting
from dwell.report.figure import Figure, Part, in_classes, texts
from dwell.report.marts import Marts

# the number of files that are listed
FILES = 20
# {what a row is: (name of the input, column of repeated rows)}
INPUTS = {"event": ("events", "rows_duplicate"), "heartbeat": ("heartbeats", "rows_redelivered")}


def make_quality(marts: Marts) -> Part:
    """Return what was accepted, doubled and rejected, and why."""
    part = Part("quality", "Data quality")
    is_balanced = True
    for noun, (inputs, again) in INPUTS.items():
        if not marts.has(inputs):
            continue
        sums = marts.row(
            f"""select sum(rows_read) as read, sum(rows_accepted) as accepted,
                sum({again}) as again, sum(rows_rejected) as rejected,
                bool_and(is_balanced) as is_balanced
            from main.{noun}_reconciliation"""
        )
        is_balanced = is_balanced and sums["is_balanced"]
        read = int(sums["read"])
        part.tiles.append((f"{inputs.capitalize()} read", formatting.count(read), "rows in all"))
        for name, column in (
            ("Accepted", "accepted"),
            ("Doubled", "again"),
            ("Rejected", "rejected"),
        ):
            count = int(sums[column])
            part.tiles.append((name, formatting.count(count), formatting.percent(count / read)))
        if sums["rejected"]:
            part.figures.append(plot_rejects(marts, noun, int(sums["rejected"])))
    part.caption = (
        "Every row that was read is accounted for: accepted, doubled or rejected."
        if is_balanced
        else "Some rows that were read are not accounted for: dbt test names the file."
    )
    return part


def plot_rejects(marts: Marts, noun: str, rejected: int) -> Figure:
    """Return why rows were rejected."""
    head = ["Reason", "Rows", "Share of the rejected"]
    rows = marts.rows(
        f"""select reject_reason, count(*) as value
        from main.rejected_{noun}s group by 1 order by value desc, 1"""
    )
    for row in rows:
        row["class"] = row.pop("reject_reason").replace("_", " ")
        share = formatting.percent(row["value"] / rejected)
        row |= texts(head, row["class"], formatting.count(row["value"]), share)
        row["label"] = row["Rows"]
    most = [row["class"] for row in rows if row["value"] == rows[0]["value"]]
    caption = (
        f"{formatting.counted(rejected, 'row')} in all, most often for this: {', '.join(most)}. "
    )
    caption += f"The table rejected_{noun}s has each of them, with its position."
    return in_classes(f"rejected_{noun}s", f"Why {noun}s were rejected", caption, head, rows)


def list_sources(marts: Marts) -> list[Figure]:
    """Return the files or relations that were read."""
    found = []
    for noun, (inputs, again) in INPUTS.items():
        if not marts.has(inputs):
            continue
        head = ["Source", "Newest", "Rows read", "Accepted", "Doubled", "Rejected"]
        rows = marts.rows(
            f"""with by_source as (
                select source, sum(rows_read) as read, sum(rows_accepted) as accepted,
                    sum({again}) as again, sum(rows_rejected) as rejected
                from main.{noun}_reconciliation group by source
            ),
            loads as (
                select source, max(modified_at) as modified_at
                from main.dwell_{noun}_loads group by source
            )
            select by_source.*, modified_at, count(*) over () as sources
            from by_source left join loads using (source)
            order by read desc, source limit $first""",
            first=FILES,
        )
        for row in rows:
            counts = (formatting.count(row[c]) for c in ("read", "accepted", "again", "rejected"))
            row |= texts(
                head,
                formatting.location(row["source"]),
                formatting.minute(row["modified_at"]),
                *counts,
            )
        caption = (
            f"{formatting.counted(rows[0]['sources'], 'source')}. Newest is when a file was last "
        )
        caption += "modified, or the newest load time of a relation (UTC)."
        if rows[0]["sources"] > FILES:
            caption += f" Here are the {FILES} with the most rows; {noun}_reconciliation has all."
        found.append(Figure(f"{inputs}_sources", f"Where {inputs} came from", caption, head, rows))
    return found
