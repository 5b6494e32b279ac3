"""What stands in each part of the page: numbers to read first, and figures."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from dwell.page import charts, words
from dwell.page.numbers import Marts

# so many names, and so many files, are told one by one
FIRST = 10
FILES = 20


@dataclass
class Figure:
    """A table, and mostly a chart of it, with a sentence that says what to read off."""

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
    wide: bool = False


@dataclass
class Part:
    """A part of the page."""

    id: str
    title: str
    says: str = ""
    # [(what, number, note)]
    tiles: list[tuple[str, str, str]] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)


def parts(marts: Marts) -> list[Part]:
    """Return the parts for which there is data."""
    found = []
    if marts.has("events"):
        found += [activity(marts), sessions(marts), timeout(marts)]
    if marts.has("heartbeats"):
        found.append(watching(marts))
    if found:
        found.append(quality(marts))
    return [part for part in found if part.figures or part.tiles]


def activity(marts: Marts) -> Part:
    """Return what happened when."""
    part = Part("activity", "Activity")
    rows = marts.by_day("daily_activity")
    if not rows:
        return part
    head = [period(rows), "Events", "Sessions started"]
    most = max(row["events"] or 0 for row in rows)
    for row in rows:
        events = row["events"] or 0
        row |= {"value": events, "marked": 0 < events == most}
        row |= texts(
            head, when(row), words.count(events), words.count(row["sessions_started"] or 0)
        )
    busiest = [row for row in rows if row["marked"]]
    mean = sum(row["value"] for row in rows) / len(rows)
    part.figures.append(
        Figure(
            "days",
            f"Events by {rows[0]['unit']}",
            f"{busiest[0][head[0]]} was the busiest, with {words.counted(most, 'event')}; "
            f"the average {rows[0]['unit']} has {words.count(mean)}."
            if len(busiest) == 1
            else f"The most events of a {rows[0]['unit']} are {words.count(most)}, "
            f"on {len(busiest)} of them; the average is {words.count(mean)}.",
            head,
            rows,
            **over_time(rows, head, "busiest" if len(busiest) <= 3 else None),
        )
    )
    part.figures.append(event_names(marts))
    return part


def over_time(rows: list[dict], head: list[str], marked: str | None = None) -> dict:
    """Return how a figure shows what was when; one row needs no chart."""
    if len(rows) < 2:
        return {}
    if not any(row["marked"] for row in rows):
        marked = None
    legend = [("mark", f"the {marked or 'most'}"), ("bar", "all others")]
    chart = charts.over_time(bare(rows, head), head, marked, rows[0].get("unit") == "day")
    return {"chart": chart, "legend": legend, "zooms": len(rows) > 60, "wide": True}


def event_names(marts: Marts) -> Figure:
    """Return which events there are."""
    head = ["Event", "Events", "Share"]
    rows = marts.rows(
        """select event_name, events, events / sum(events) over () as share, count(*) over () as names
        from main.event_names order by events desc, event_name limit $first""",
        first=FIRST,
    )
    says = f"The most frequent event is {words.name(rows[0]['event_name'])}, "
    says += f"{words.percent(rows[0]['share'])} of all events."
    if (others := rows[0]["names"] - FIRST) > 0:
        rest = 1 - sum(row["share"] for row in rows)
        says += f" {words.counted(others, 'other name')} make up {words.percent(rest)}."
    told = [
        {"class": words.name(row["event_name"]), "value": row["events"]}
        | texts(
            head,
            words.name(row["event_name"]),
            words.count(row["events"]),
            words.percent(row["share"]),
        )
        for row in rows
    ]
    for row in told:
        row["label"] = f"{row['Events']} ({row['Share']})"
    return Figure(
        "names",
        "Events by name",
        says,
        head,
        told,
        charts.in_classes(bare(told, head), head),
    )


def sessions(marts: Marts) -> Part:
    """Return how long, how large and how frequent sessions are."""
    part = Part("sessions", "Sessions")
    summary = marts.row("from main.session_summary")
    if not summary["sessions"]:
        return part
    part.figures = [
        lengths(
            marts,
            "session",
            f"Half of all sessions last {words.duration(summary['median_duration_seconds'])} or less; "
            f"the longest {words.duration(summary['longest_duration_seconds'])}. "
            f"{words.percent(summary['single_event_sessions'] / summary['sessions'])} have a single event, "
            "and last 0 s.",
        ),
        sizes(marts, summary),
        per_user(marts),
    ]
    return part


def lengths(marts: Marts, noun: str, says: str) -> Figure:
    """Return how long sessions, or streams, last."""
    head = ["Length", f"{noun.capitalize()}s", "Share"]
    rows = [
        {"class": words.span(row["seconds_from"], row["seconds_to"]), "value": row["n"]}
        | {"share": row["share"]}
        for row in marts.rows(
            f"select *, {noun}s as n from main.{noun}_lengths order by seconds_from"
        )
    ]
    return histogram(f"{noun}_lengths", f"How long {noun}s last", says, head, rows)


def sizes(marts: Marts, summary: dict) -> Figure:
    """Return how many events sessions have."""
    head = ["Events in the session", "Sessions", "Share"]
    rows = [
        {
            "class": words.numbers(row["events_from"], row["events_to"], "event"),
            "value": row["sessions"],
            "share": row["share"],
        }
        for row in marts.rows("from main.session_sizes order by events_from")
    ]
    return histogram(
        "session_sizes",
        "Events in a session",
        f"A session has {summary['mean_events']:,.1f} events on average, "
        f"and {words.count(summary['most_events'])} at most.",
        head,
        rows,
    )


def per_user(marts: Marts) -> Figure:
    """Return how many sessions a user has on a day with any."""
    head = ["Sessions on the day", "Users and days", "Share"]
    counts = marts.rows(
        """select least(sessions, 10) as sessions, count(*) as user_days,
            count(*) / sum(count(*)) over () as share,
            sum(sum(sessions)) over () / sum(count(*)) over () as mean
        from main.user_daily_sessions group by 1 order by 1"""
    )
    found = {row["sessions"]: row for row in counts}
    rows = [
        {
            "class": words.numbers(n, n if n < 10 else None, "session"),
            "value": found[n]["user_days"] if n in found else 0,
            "share": found[n]["share"] if n in found else 0,
        }
        for n in range(1, 11)
    ]
    return histogram(
        "user_days",
        "Sessions of a user on a day",
        f"A user with any session on a day has {counts[0]['mean']:,.2f} on average; "
        f"it is just one on {words.percent(rows[0]['share'])} of such days. "
        "Users without a name count by their device.",
        head,
        rows,
    )


def histogram(ident: str, title: str, says: str, head: list[str], rows: list[dict]) -> Figure:
    """Return a figure of classes, without the empty ones after the last that has any."""
    while rows and not rows[-1]["value"]:
        rows.pop()
    for row in rows:
        row |= texts(head, row["class"], words.count(row["value"]), words.percent(row["share"]))
        row["label"] = f"{row[head[1]]} ({row['Share']})"
    return Figure(ident, title, says, head, rows, charts.in_classes(bare(rows, head), head))


def timeout(marts: Marts) -> Part:
    """Return what the data says of the timeout, and what another would change."""
    part = Part("timeout", "The timeout")
    rows = marts.rows("from main.timeout_sensitivity order by timeout_minutes")
    force = next((row for row in rows if row["is_in_force"]), None)
    if not force:
        return part
    if gaps := gap_histogram(marts, force["timeout_minutes"]):
        part.figures.append(gaps)
    part.figures.append(sensitivity(rows, force))
    return part


def gap_histogram(marts: Marts, minutes: float) -> Figure | None:
    """Return the gaps between events, with the fit and the timeout; none where there are no gaps."""
    rows = marts.rows("from main.timeout_gap_histogram order by seconds_from")
    if not rows:
        return None
    fit = marts.row("from main.timeout_fit")
    curve = []
    lines = [{"seconds": minutes * 60, "label": f"timeout {minutes:g} min", "dashed": False}]
    says = (
        f"{words.percent(sum(r['gaps_between_runs'] for r in rows) / sum(r['gaps'] for r in rows))}"
    )
    says += f" of all gaps are over {minutes:g} min. "
    if fit["is_accepted"]:
        curve = marts.rows(
            "select seconds, gaps_within + gaps_between as gaps from main.timeout_fit_curve "
            "order by seconds"
        )
        cut = fit["cut_seconds"]
        lines.append({"seconds": cut, "label": f"data {words.duration(round(cut / 60) * 60)}"})
        lines[1]["dashed"] = True
        says += (
            f"They form two hills, around {words.duration(fit['typical_gap_within_seconds'])} and around "
            f"{words.duration(fit['typical_gap_between_seconds'])}, and are fewest in between: the data "
            f"itself would choose a timeout of {words.duration(round(cut / 60) * 60)}."
        )
    elif fit["has_enough_gaps"]:
        says += "They do not form two hills with a valley in between, so that the data chooses no timeout."
    else:
        says += "They are too few to say which timeout the data itself would choose."
    latest = max(line["seconds"] for line in lines)
    for line in lines:
        # the text stands to the side where the other line is not
        line["side"] = "left" if line["seconds"] == latest else "right"
    head = ["Gap", "Gaps within sessions", "Gaps between sessions"]
    bars = []
    for row in rows:
        between = row["gaps_between_runs"]
        within = row["gaps"] - between
        bounds = {"from": row["seconds_from"], "to": row["seconds_to"]}
        told = texts(
            head,
            f"{words.duration(bounds['from'])} to {words.duration(bounds['to'])}",
            words.count(within),
            words.count(between),
        )
        row |= told
        if within:
            bars.append(bounds | {"low": 0, "high": within, "between": False} | told)
        if between:
            bars.append(bounds | {"low": within, "high": row["gaps"], "between": True} | told)
    legend = [("bar", "within a session"), ("second", "between two sessions")]
    if curve:
        legend.append(("ink", "the fit of two hills"))
    return Figure(
        "gaps",
        "Where one session stops and the next begins",
        says,
        head,
        rows,
        charts.gaps(bars, curve, lines, head),
        [*legend, ("mark", "the timeout" + (", and the data's own (dashed)" if curve else ""))],
        wide=True,
    )


def sensitivity(rows: list[dict], force: dict) -> Figure:
    """Return what there would be at other timeouts."""
    head = [
        "Timeout",
        "Sessions",
        "Against the timeout in force",
        "Average",
        "Median",
        "Most events",
    ]
    for row in rows:
        row |= {"minutes": row["timeout_minutes"], "value": row["sessions"]}
        row |= {"marked": row["is_in_force"], "more": row["sessions"] / force["sessions"] - 1}
        row |= texts(
            head,
            f"{row['minutes']:g} min",
            words.count(row["sessions"]),
            "in force" if row["marked"] else words.change(row["more"]),
            words.duration(row["mean_duration_seconds"]),
            words.duration(row["median_duration_seconds"]),
            words.count(row["most_events"]),
        )
        row["label"] = row["Timeout"]
    minutes = force["minutes"]
    shorter = [row for row in rows if row["minutes"] <= minutes / 2][-1:]
    longer = [row for row in rows if row["minutes"] >= minutes * 2][:1]
    says = (
        f"Now it is {force['Timeout']}, which gives {words.counted(force['sessions'], 'session')}. "
    )
    for row in shorter + longer:
        says += (
            f"Had you chosen {row['Timeout']}, there would be {row['Sessions']} "
            f"({words.change(row['more'])}), {row['Average']} long on average. "
        )
    chart = charts.sensitivity(bare(rows, head), head)
    return Figure("sensitivity", "Had you chosen another timeout", says.strip(), head, rows, chart)


def watching(marts: Marts) -> Part:
    """Return what was watched, and is."""
    part = Part("watching", "Watch streams")
    ended = marts.row(
        "select count(*) as streams, median(stream_duration) as median, max(stream_duration) as longest "
        "from main.fct_watch_streams"
    )
    ongoing = marts.row(
        "select count(*) as streams, max(last_heartbeat_at) as last_heard from main.ongoing_watch_streams"
    )
    days = marts.by_day("daily_watch_time")
    rows = marts.concurrency()
    if not rows:
        return part
    peak = max(row["streams"] for row in rows)
    seconds = sum(row["watched_seconds"] or 0 for row in days)
    heard = f"as of {words.moment(ongoing['last_heard'])}" if ongoing["last_heard"] else ""
    part.tiles = [
        ("Ended", words.count(ended["streams"]), "streams"),
        ("Going on now", words.count(ongoing["streams"]), heard),
        ("Most at once", words.count(peak), "streams in one moment"),
        ("Watched", words.duration(seconds), "in all"),
    ]
    part.figures.append(at_once(rows, peak))
    if ended["streams"]:
        says = f"Half of all ended streams lasted {words.duration(ended['median'])} or less; "
        says += f"the longest {words.duration(ended['longest'])}."
        part.figures.append(lengths(marts, "stream", says))
    part.figures.append(watch_time(days))
    if ongoing["streams"]:
        part.figures.append(now(marts))
    return part


def at_once(rows: list[dict], peak: int) -> Figure:
    """Return how many streams there were at once."""
    minutes = rows[0]["minutes"]
    width = "minute" if minutes == 1 else words.duration(minutes * 60)
    head = ["From (UTC)", "Most streams at once"]
    for row in rows:
        row |= {"value": row["streams"], "marked": row["streams"] == peak}
        row |= texts(
            head, words.moment(row.pop("start")).removesuffix(" UTC"), words.count(row["streams"])
        )
    busiest = [row for row in rows if row["marked"]]
    says = f"The most streams at once were {words.count(peak)}, first in the {width} from {busiest[0][head[0]]} (UTC)."
    return Figure(
        "concurrency",
        "Streams at once, by minute" if minutes == 1 else f"Most streams at once, in each {width}",
        says,
        head,
        rows,
        **over_time(rows, head),
    )


def watch_time(rows: list[dict]) -> Figure:
    """Return how much was watched when."""
    unit = rows[0]["unit"]
    head = [period(rows), "Watched", "Streams"]
    most = max(row["watched_seconds"] or 0 for row in rows)
    name, seconds = ("Hours", 3600) if most > 7200 else ("Minutes", 60)
    for row in rows:
        watched = row["watched_seconds"] or 0
        row |= {"value": round(watched / seconds, 2), "marked": 0 < watched == most}
        row |= texts(head, when(row), words.duration(watched), words.count(row["streams"] or 0))
    first = next((row for row in rows if row["marked"]), rows[0])
    return Figure(
        "watch_time",
        f"{name} watched by {unit}",
        f"The most was watched on {first[head[0]]}: {first['Watched']}."
        if unit == "day"
        else f"The most was watched in the {unit} {first[head[0]]}: {first['Watched']}.",
        head,
        rows,
        **over_time(rows, head, "most"),
    )


def now(marts: Marts) -> Figure:
    """Return which programs are on."""
    head = ["Program", "Streams going on", "Watched so far, on average"]
    rows = marts.rows(
        """select program_id, count(*) as streams, avg(watched_seconds) as mean,
            count(*) over () as programs
        from main.ongoing_watch_streams group by program_id
        order by streams desc, program_id limit $first""",
        first=FIRST,
    )
    says = f"{words.counted(rows[0]['programs'], 'program')} with a stream that has not ended"
    says += f"; these are the first {FIRST}." if rows[0]["programs"] > FIRST else "."
    for row in rows:
        row |= texts(
            head,
            words.name(row["program_id"]),
            words.count(row["streams"]),
            words.duration(row["mean"]),
        )
    return Figure("now", "Going on now", says, head, rows)


def quality(marts: Marts) -> Part:
    """Return what became of every row that was read."""
    part = Part("quality", "Data quality")
    balanced = []
    for inputs, one, again, mart in (
        ("events", "event", "rows_duplicate", "event_reconciliation"),
        ("heartbeats", "heartbeat", "rows_landed_before", "heartbeat_reconciliation"),
    ):
        if not marts.has(inputs):
            continue
        sums = marts.row(
            f"""select sum(rows_read) as read, sum(rows_accepted) as accepted,
                sum({again}) as again, sum(rows_rejected) as rejected,
                bool_and(is_balanced) as is_balanced from main.{mart}"""
        )
        balanced.append(sums["is_balanced"])
        read = int(sums["read"])
        whose = (
            f"{one.capitalize()}s" if marts.has("events") and marts.has("heartbeats") else "Rows"
        )
        part.tiles += [
            (f"{whose} read", words.count(read), "rows in all"),
            ("Accepted", words.count(sums["accepted"]), words.percent(sums["accepted"] / read)),
            ("Doubled", words.count(sums["again"]), words.percent(sums["again"] / read)),
            ("Rejected", words.count(sums["rejected"]), words.percent(sums["rejected"] / read)),
        ]
        if sums["rejected"]:
            part.figures.append(rejects(marts, one, int(sums["rejected"])))
    part.says = (
        "Every row that was read is accounted for: accepted, doubled or rejected."
        if all(balanced)
        else "Not every row that was read is accounted for. Look into the reconciliation."
    )
    return part


def rejects(marts: Marts, one: str, rejected: int) -> Figure:
    """Return why rows were rejected."""
    head = ["Reason", "Rows", "Share of the rejected"]
    rows = marts.rows(
        f"""select reject_reason as reason, count(*) as value from main.rejected_{one}s
        group by 1 order by value desc, 1"""
    )
    for row in rows:
        row["class"] = row.pop("reason").replace("_", " ")
        row |= texts(
            head, row["class"], words.count(row["value"]), words.percent(row["value"] / rejected)
        )
        row["label"] = row["Rows"]
    return Figure(
        f"rejected_{one}s",
        f"Why {one}s were rejected",
        f"{words.counted(rejected, 'row')} of {one}s {'was' if rejected == 1 else 'were'} rejected, "
        f"most of them for: {rows[0]['class']}. rejected_{one}s has each row with its place.",
        head,
        rows,
        charts.in_classes(bare(rows, head), head),
    )


def sources(marts: Marts) -> list[Figure]:
    """Return the files or relations that were read, by input."""
    found = []
    for one, again in (("event", "rows_duplicate"), ("heartbeat", "rows_landed_before")):
        if not marts.has(f"{one}s"):
            continue
        head = ["Source", "Rows read", "Accepted", "Doubled", "Rejected"]
        rows = marts.rows(
            f"""select source, sum(rows_read) as read, sum(rows_accepted) as accepted,
                sum({again}) as again, sum(rows_rejected) as rejected, count(*) over () as sources
            from main.{one}_reconciliation group by source order by read desc, source limit $first""",
            first=FILES,
        )
        sources = rows[0]["sources"]
        for row in rows:
            counts = (words.count(row[c]) for c in ("read", "accepted", "again", "rejected"))
            row |= texts(head, words.place(row["source"]), *counts)
        says = f"{words.counted(sources, 'source')} of {one}s."
        if sources > FILES:
            says += f" These are the {FILES} with the most rows; {one}_reconciliation has all."
        found.append(
            Figure(f"{one}s_sources", f"Where {one}s came from", says, head, rows, wide=True)
        )
    return found


def texts(head: list[str], *told: str) -> dict:
    """Return what a row tells under each heading."""
    return dict(zip(head, told, strict=True))


def bare(rows: list[dict], head: list[str]) -> list[dict]:
    """Return of each row what a chart draws and tells."""
    drawn = {"from", "to", "value", "marked", "class", "label", "minutes", *head}
    return [{k: v for k, v in row.items() if k in drawn} for row in rows]


def period(rows: list[dict]) -> str:
    """Return the heading of days, weeks or months."""
    return rows[0]["unit"].capitalize()


def when(row: dict) -> str:
    """Return the day, week or month of a row."""
    first = date.fromisoformat(row["from"])
    if row["unit"] == "day":
        return words.day(first)
    if row["unit"] == "month":
        return f"{first:%B} {first.year}"
    return words.days(first, first + timedelta(days=6))


def answers(marts: Marts) -> list[dict]:
    """Return the four questions, each with its answer, what it assumes, and the number in it."""
    if not marts.has("events"):
        return []
    rows = marts.rows(
        "select question, answer, assumption from main.product_answers order by question_number"
    )
    busiest = marts.rows("select activity_date as day from main.daily_activity where is_busiest")
    summary = marts.row("from main.session_summary")
    some = summary["sessions"]
    first = f"{len(busiest)} days" if len(busiest) > 1 else "none"
    if len(busiest) == 1:
        first = words.short_day(busiest[0]["day"])
    headlines = [
        first,
        words.counted(some, "session"),
        words.counted(summary["most_events"], "event") if some else "none",
        words.duration(summary["mean_duration_seconds"]) if some else "none",
    ]
    for row, headline in zip(rows, headlines, strict=True):
        # an answer may name a user
        row["answer"] = words.name(row["answer"], 600)
        row["headline"] = headline
    return rows


def span(marts: Marts) -> str:
    """Return what the page is about: from when to when, and how much."""
    told = []
    if marts.has("events"):
        days = marts.row(
            "select min(activity_date) as a, max(activity_date) as b from main.daily_activity"
        )
        summary = marts.row("select sessions, visitors from main.session_summary")
        if days["a"]:
            told.append(words.days(days["a"], days["b"]))
            told.append(words.counted(summary["sessions"], "session"))
            told.append(words.counted(summary["visitors"], "visitor"))
    elif marts.has("heartbeats"):
        days = marts.row(
            "select min(watch_date) as a, max(watch_date) as b from main.daily_watch_time"
        )
        if days["a"]:
            told.append(words.days(days["a"], days["b"]))
    return " · ".join(told)
