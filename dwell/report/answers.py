"""`dwell answers`: the four answers, as a table that a product owner can read, or as JSON."""

import argparse
import json
import shutil
import textwrap
from datetime import date, datetime

import duckdb

from dwell.config import database
from dwell.report.formatting import counted
from dwell.report.marts import Marts
from dwell.report.sections import summary
from dwell.runtime.terminal import escape, print_error


def main(arguments: argparse.Namespace) -> int:
    """Print the answers of the last build, and what became of what it read. 1 if there are none."""
    source = database(arguments.database)
    try:
        with duckdb.connect(source, read_only=True) as connection:
            told = read(connection)
    except duckdb.Error as error:
        print_error(f"no answers in {source}: {why_not(error)}")
        return 1
    if arguments.json:
        print(escape(json.dumps(told, indent=2, ensure_ascii=False, default=as_text), keep="\n"))
    else:
        print(in_words(told, min(shutil.get_terminal_size().columns, 110)))
    return 0


def why_not(error: duckdb.Error) -> str:
    """Return why a database does not tell what it is asked, and what to do."""
    said = str(error).splitlines()[0]
    if "database does not exist" in said:
        return "it is not there; build first, with make"
    if "set lock on file" in said:
        return f"it is open for writing elsewhere; try again when that has ended ({said})"
    if "not a valid DuckDB database" in said:
        return f"it is no DuckDB database ({said})"
    return f"build first, with make ({said})"


def read(connection: duckdb.DuckDBPyConnection) -> dict:
    """Return the answers as sentences, and their numbers; None for what was not built."""
    found = connection.execute("select distinct table_name from duckdb_columns()").fetchall()
    has_events, has_streams = (
        (mart,) in found for mart in ("product_answers", "fct_watch_streams")
    )
    told = dict.fromkeys(
        (
            *("answers", "is_sample", "busiest_days", "session_summary", "events"),
            *("watch_streams", "heartbeats"),
        )
    )
    if has_events or not has_streams:
        told |= of_events(connection)
    if has_streams:
        told |= of_heartbeats(connection)
    return told


def of_events(connection: duckdb.DuckDBPyConnection) -> dict:
    """Return what is told of events and sessions."""
    marts = Marts(connection)
    return {
        "answers": summary.with_sentences(marts),
        "is_sample": marts.is_sample("events"),
        "busiest_days": rows(
            connection,
            "select activity_date, events from main.daily_activity where is_busiest "
            "order by activity_date",
        ),
        "session_summary": row(connection, "from main.session_summary"),
        "events": row(
            connection,
            "select coalesce(sum(rows_read), 0) as rows_read, "
            "coalesce(sum(rows_accepted), 0) as rows_accepted, "
            "coalesce(sum(rows_duplicate), 0) as rows_duplicate, "
            "coalesce(sum(rows_rejected), 0) as rows_rejected "
            "from main.event_reconciliation",
        )
        | {"reject_reasons": reasons(connection, "rejected_events")},
    }


def of_heartbeats(connection: duckdb.DuckDBPyConnection) -> dict:
    """Return what is told of heartbeats and watch streams."""
    return {
        "watch_streams": row(
            connection,
            "select (select count(*) from main.fct_watch_streams) as ended, "
            "(select count(*) from main.ongoing_watch_streams) as going_on, "
            "coalesce((select max(streams) from main.watch_concurrency), 0) as most_at_once, "
            "coalesce((select sum(watched_seconds) from main.daily_watch_time), 0) "
            "as watched_seconds",
        ),
        "heartbeats": row(
            connection,
            "select coalesce(sum(rows_read), 0) as rows_read, "
            "coalesce(sum(rows_accepted), 0) as rows_accepted, "
            "coalesce(sum(rows_redelivered), 0) as rows_redelivered, "
            "coalesce(sum(rows_rejected), 0) as rows_rejected "
            "from main.heartbeat_reconciliation",
        )
        | {"reject_reasons": reasons(connection, "rejected_heartbeats")},
    }


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict]:
    """Return the rows of a query, by the names of its columns."""
    found = connection.execute(query)
    names = [name for name, *_ in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def row(connection: duckdb.DuckDBPyConnection, query: str) -> dict:
    """Return the first row of a query."""
    return rows(connection, query)[0]


def reasons(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, int]:
    """Return how many rows were rejected for which reason, the most frequent first."""
    query = f"select reject_reason, count(*) from main.{table} group by 1 order by 2 desc, 1"
    return dict(connection.execute(query).fetchall())


def in_words(told: dict, width: int) -> str:
    """Return what is told as lines of at most `width` characters."""
    events = accounted_for(("event", "duplicate"), told["events"])
    heartbeats = accounted_for(("heartbeat", "repeat"), told["heartbeats"])
    parts = []
    if told["answers"] and (events or not heartbeats):
        names = ("question_number", "question", "answer_text", "assumption_text")
        answers = [tuple(answer[name] for name in names) for answer in told["answers"]]
        parts.append(table(answers, width))
    if events or not heartbeats:
        parts.append(indented(events or "0 rows read.", width))
    if heartbeats:
        if events:
            parts.append("─" * width)
        parts.append(indented(of_streams(told["watch_streams"]), width))
        parts.append(indented(heartbeats, width))
    return "\n".join(parts)


def of_streams(numbers: dict) -> str:
    """Return a sentence on the watch streams."""
    return (
        f"Watch streams: {numbers['ended']:,} ended, {numbers['going_on']:,} going on; at most "
        f"{numbers['most_at_once']:,} at once; {numbers['watched_seconds'] / 3600:,.1f} hours "
        "watched."
    )


def table(answers: list[tuple], width: int) -> str:
    """Return (number, question, answer, assumption) as lines of at most `width` characters."""
    line = "─" * width
    parts = [line]
    for number, question, answer, assumption in answers:
        parts.append(f" {number}  {escape(question)}")
        parts.append(indented(answer, width))
        parts.append(indented(f"Assumed: {assumption}", width))
        parts.append(line)
    return "\n".join(parts)


def accounted_for(nouns: tuple[str, str], became: dict | None) -> str:
    """Return what became of the rows that were read; nothing if there were none."""
    if became is None:
        return ""
    *counts, reasons = became.values()
    read, accepted, again, rejected = map(int, counts)
    if not read:
        return ""
    told = f"{counted(read, 'row')} read: {counted(accepted, nouns[0])}, {counted(again, nouns[1])}"
    told += f", {rejected:,} rejected"
    if reasons:
        told += " (" + ", ".join(f"{count:,} {reason}" for reason, count in reasons.items()) + ")"
    return told + "."


def as_text(value: date) -> str:
    """Return a day or a moment as ISO 8601; times of tables are in UTC."""
    return value.isoformat() + ("Z" if isinstance(value, datetime) else "")


def indented(text: str, width: int) -> str:
    """Return text in lines, under the question."""
    return textwrap.fill(escape(text), width, initial_indent="    ", subsequent_indent="    ")
