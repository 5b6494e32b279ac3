"""`dwell answers`: the four answers, as a table that a product owner can read, or as JSON."""

import json
import shutil
import textwrap
from datetime import date, datetime
from typing import Any

import duckdb

from dwell import config
from dwell.report.database import open_build
from dwell.report.formatting import counted
from dwell.report.marts import Marts, Row
from dwell.report.sections import summary
from dwell.runtime.terminal import escape


def print_answers(*, database: str | None, is_json: bool) -> None:
    """Print the answers of the last build, and what became of the rows that it read."""
    with open_build(config.database(database), "answers in") as connection:
        answers = read_answers(connection)
    if is_json:
        print(format_json(answers))
    else:
        print(format_text(answers, min(shutil.get_terminal_size().columns, 110)))


def read_answers(connection: duckdb.DuckDBPyConnection) -> Row:
    """Return the answers as sentences, and their numbers; None for what was not built."""
    tables = connection.execute("select distinct table_name from duckdb_columns()").fetchall()
    has_events, has_streams = (
        (mart,) in tables for mart in ("product_answers", "fct_watch_streams")
    )
    answers: Row = dict.fromkeys(
        (
            *("answers", "is_sample", "busiest_days", "session_summary", "events"),
            *("watch_streams", "heartbeats"),
        )
    )
    if has_events or not has_streams:
        answers |= read_events(connection)
    if has_streams:
        answers |= read_heartbeats(connection)
    return answers


def read_events(connection: duckdb.DuckDBPyConnection) -> Row:
    """Return the answers on events and sessions."""
    marts = Marts(connection)
    return {
        "answers": summary.add_sentences(marts),
        "is_sample": marts.is_sample("events"),
        "busiest_days": marts.rows(
            "select activity_date, events from main.daily_activity where is_busiest "
            "order by activity_date"
        ),
        "session_summary": marts.row("from main.session_summary"),
        "events": marts.row(
            "select coalesce(sum(rows_read), 0) as rows_read, "
            "coalesce(sum(rows_accepted), 0) as rows_accepted, "
            "coalesce(sum(rows_duplicate), 0) as rows_duplicate, "
            "coalesce(sum(rows_rejected), 0) as rows_rejected "
            "from main.event_reconciliation",
        )
        | {"reject_reasons": count_rejects(connection, "rejected_events")},
    }


def read_heartbeats(connection: duckdb.DuckDBPyConnection) -> Row:
    """Return the numbers of heartbeats and watch streams."""
    marts = Marts(connection)
    return {
        "watch_streams": marts.row(
            "select (select count(*) from main.fct_watch_streams) as ended, "
            "(select count(*) from main.ongoing_watch_streams) as going_on, "
            "coalesce((select max(streams) from main.watch_concurrency), 0) as most_at_once, "
            "coalesce((select sum(watched_seconds) from main.daily_watch_time), 0) "
            "as watched_seconds",
        ),
        "heartbeats": marts.row(
            "select coalesce(sum(rows_read), 0) as rows_read, "
            "coalesce(sum(rows_accepted), 0) as rows_accepted, "
            "coalesce(sum(rows_redelivered), 0) as rows_redelivered, "
            "coalesce(sum(rows_rejected), 0) as rows_rejected "
            "from main.heartbeat_reconciliation",
        )
        | {"reject_reasons": count_rejects(connection, "rejected_heartbeats")},
    }


def count_rejects(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, int]:
    """Return {reason: number of rows that were rejected}, the most frequent first."""
    query = f"select reject_reason, count(*) from main.{table} group by 1 order by 2 desc, 1"
    return dict(connection.execute(query).fetchall())


# -- Output ------------------------------------------------------------------------------------


def format_json(answers: Row) -> str:
    """Return the answers as JSON."""
    text = json.dumps(answers, indent=2, ensure_ascii=False, default=format_time)
    return escape(text, keep="\n")


def format_text(answers: Row, width: int) -> str:
    """Return the answers as lines of at most `width` characters."""
    events = describe_rows(("event", "duplicate"), answers["events"])
    heartbeats = describe_rows(("heartbeat", "repeat"), answers["heartbeats"])
    parts = []
    if answers["answers"] and (events or not heartbeats):
        names = ("question_number", "question", "answer_text", "assumption_text")
        rows = [tuple(answer[name] for name in names) for answer in answers["answers"]]
        parts.append(format_table(rows, width))
    if events or not heartbeats:
        parts.append(indent(events or "0 rows read.", width))
    if heartbeats:
        if events:
            parts.append("─" * width)
        parts.append(indent(describe_streams(answers["watch_streams"]), width))
        parts.append(indent(heartbeats, width))
    return "\n".join(parts)


def format_table(answers: list[tuple[Any, ...]], width: int) -> str:
    """Return (number, question, answer, assumption) as lines of at most `width` characters."""
    line = "─" * width
    parts = [line]
    for number, question, answer, assumption in answers:
        parts.append(f" {number}  {escape(question)}")
        parts.append(indent(answer, width))
        parts.append(indent(f"Assumed: {assumption}", width))
        parts.append(line)
    return "\n".join(parts)


def describe_streams(numbers: Row) -> str:
    """Return a sentence on the watch streams."""
    return (
        f"Watch streams: {numbers['ended']:,} ended, {numbers['going_on']:,} ongoing; at most "
        f"{numbers['most_at_once']:,} at once; {numbers['watched_seconds'] / 3600:,.1f} hours "
        "watched."
    )


def describe_rows(nouns: tuple[str, str], reconciliation: Row | None) -> str:
    """Return what became of the rows that were read; nothing if there were none."""
    if reconciliation is None:
        return ""
    *counts, reasons = reconciliation.values()
    read, accepted, repeated, rejected = map(int, counts)
    if not read:
        return ""
    sentence = (
        f"{counted(read, 'row')} read: {counted(accepted, nouns[0])}, "
        f"{counted(repeated, nouns[1])}, {rejected:,} rejected"
    )
    if reasons:
        listed = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())
        sentence += f" ({listed})"
    return f"{sentence}."


def format_time(value: date) -> str:
    """Return a day or a time as ISO 8601; times of tables are in UTC."""
    return value.isoformat() + ("Z" if isinstance(value, datetime) else "")


def indent(text: str, width: int) -> str:
    """Return text in lines, under the question."""
    return textwrap.fill(escape(text), width, initial_indent="    ", subsequent_indent="    ")
