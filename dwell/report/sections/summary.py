"""The four answers, and the first lines of the page."""

from datetime import date

from dwell.report import formatting, sentences
from dwell.report.marts import Marts, Row


def make_answers(marts: Marts) -> list[Row]:
    """Return the four questions, each with its answer, what it assumes, and the number in it."""
    if not marts.has("events"):
        return []
    rows = add_sentences(marts)
    summary = marts.row("from main.session_summary")
    is_any = bool(summary["sessions"])
    days = rows[0]["tie_count"]
    day = formatting.counted(days, "day") if days else "none"
    if days == 1:
        day = formatting.date_of(*find_busiest_days(marts, 1))
    numbers = [
        day,
        formatting.counted(summary["sessions"], "session"),
        formatting.counted(summary["most_events"], "event") if is_any else "none",
        formatting.duration(summary["mean_duration_seconds"]) if is_any else "none",
    ]
    return [
        {
            "question": row["question"],
            "number": number,
            # an answer may name a user, what it assumes may name events
            "answer": formatting.name(row["answer_text"], 600),
            "assumption": formatting.name(row["assumption_text"], 600),
        }
        for row, number in zip(rows, numbers, strict=True)
    ]


def add_sentences(marts: Marts) -> list[Row]:
    """Return the rows of product_answers, with the answers and assumptions as sentences."""
    rows = marts.rows("from main.product_answers order by question_number")
    busiest, _, largest, _ = rows
    summary = marts.row("from main.session_summary")
    settings = marts.settings("events")
    people = find_largest_people(marts)
    texts = [
        (
            sentences.busiest_day(
                find_busiest_days(marts, sentences.NAMED),
                busiest["tie_count"],
                # a double, as all values of product_answers
                int(busiest["answer_value"] or 0),
            ),
            sentences.about_days(settings),
        ),
        (
            sentences.definition(
                settings, summary["sessions"], summary["visitors"], marts.is_sample("events")
            ),
            sentences.about_visitors(settings, read_timeout_fit(marts)),
        ),
        (
            sentences.largest_session(
                people["names"], people["people"], largest["tie_count"], summary["most_events"]
            ),
            " ".join(sentences.about_events(settings)),
        ),
        (
            sentences.durations(summary, count_longest(marts)),
            sentences.about_durations(summary),
        ),
    ]
    return [
        row | {"answer_text": answer, "assumption_text": assumption}
        for row, (answer, assumption) in zip(rows, texts, strict=True)
    ]


def find_busiest_days(marts: Marts, most: int) -> list[date]:
    """Return the first ones of the days that have most events."""
    rows = marts.rows(
        """select activity_date from main.daily_activity where is_busiest
        order by activity_date limit $most""",
        most=most,
    )
    return [row["activity_date"] for row in rows]


def find_largest_people(marts: Marts) -> Row:
    """Return how many people have the largest sessions, and the names of the first ones."""
    return marts.row(
        """with by_person as (
            select
                coalesce('user ' || user_id, 'device ' || device_id) as person,
                min(started_at) as first_started_at
            from main.fct_sessions
            where event_count = (select most_events from main.session_summary)
            group by all
        )
        select
            count(*) as people,
            coalesce(list(person order by first_started_at, person)[:$most], []) as names
        from by_person""",
        most=sentences.NAMED,
    )


def count_longest(marts: Marts) -> int:
    """Return how many sessions are as long as the longest."""
    row = marts.row(
        """select count(*) as sessions from main.fct_sessions
        where duration_seconds = (select longest_duration_seconds from main.session_summary)"""
    )
    return int(row["sessions"])


def read_timeout_fit(marts: Marts) -> Row | None:
    """Return what the gaps suggest as a timeout; None where it was not built."""
    return marts.row("from main.timeout_fit") if marts.has_table("timeout_fit") else None


def describe_span(marts: Marts) -> str:
    """Return what the page is about: from when to when, and how much."""
    parts = []
    if marts.has("events"):
        if marts.is_sample("events"):
            parts.append("Sample data")
        parts.append(describe_days(marts, "daily_activity", "activity_date"))
        summary = marts.row("select sessions, visitors from main.session_summary")
        parts += [formatting.counted(summary[f"{noun}s"], noun) for noun in ("session", "visitor")]
    elif marts.has("heartbeats"):
        if marts.is_sample("heartbeats"):
            parts.append("Sample data")
        parts.append(describe_days(marts, "daily_watch_time", "watch_date"))
    return " · ".join(text for text in parts if text)


def describe_days(marts: Marts, mart: str, column: str) -> str:
    """Return from which day to which a mart goes."""
    ends = marts.row(f"select min({column}) as first, max({column}) as last from main.{mart}")
    return formatting.days(ends["first"], ends["last"]) if ends["first"] else ""
