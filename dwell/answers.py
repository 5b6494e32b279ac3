"""Print the four answers as a table that a product owner can read."""

import os
import shutil
import sys
import textwrap

import duckdb


def database() -> str:
    """Return the path of the database file that dbt builds."""
    return os.environ.get("DWELL_DATABASE", "dwell.duckdb")


def main(_=None) -> int:
    """Print the answers of the last build, and what became of what it read. 1 if there are none."""
    try:
        with duckdb.connect(database(), read_only=True) as connection:
            told = answers(connection), streams(connection)
    except duckdb.Error as error:
        print(
            f"dwell: no answers in {database()}: build first, with make.\n{error}", file=sys.stderr
        )
        return 1
    width = min(shutil.get_terminal_size().columns, 110)
    (rows, events), (watched, heartbeats) = told
    if events or not heartbeats:
        print(table(rows, width))
        print(indented(events or "0 rows read.", width))
    if heartbeats:
        if events:
            print("─" * width)
        print(indented(watched, width))
        print(indented(heartbeats, width))
    return 0


def answers(connection: duckdb.DuckDBPyConnection) -> tuple[list[tuple], str]:
    """Return (number, question, answer, assumption) per question, and what became of the events."""
    rows = connection.execute(
        "select question_number, question, answer, assumption "
        "from main.product_answers order by question_number"
    ).fetchall()
    counts = connection.execute(
        "select sum(rows_read), sum(rows_accepted), sum(rows_duplicate), sum(rows_rejected) "
        "from main.event_reconciliation"
    ).fetchone()
    reasons = connection.execute(
        "select reject_reason, count(*) from main.rejected_events group by 1 order by 2 desc, 1"
    ).fetchall()
    return rows, accounted_for(("event", "duplicate"), counts, reasons)


def streams(connection: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    """Return a sentence on the watch streams, and what became of the heartbeats."""
    ended, going_on, most, hours = connection.execute(
        "select (select count(*) from main.fct_watch_streams), "
        "(select count(*) from main.ongoing_watch_streams), "
        "(select max(streams) from main.watch_concurrency), "
        "(select sum(watched_seconds) / 3600 from main.daily_watch_time)"
    ).fetchone()
    counts = connection.execute(
        "select sum(rows_read), sum(rows_accepted), sum(rows_landed_before), sum(rows_rejected) "
        "from main.heartbeat_reconciliation"
    ).fetchone()
    reasons = connection.execute(
        "select reject_reason, count(*) from main.rejected_heartbeats group by 1 order by 2 desc, 1"
    ).fetchall()
    told = (
        f"Watch streams: {ended:,} ended, {going_on:,} going on; at most {most or 0:,} at once; "
        f"{hours or 0:,.1f} hours watched."
    )
    return told, accounted_for(("heartbeat", "repeat"), counts, reasons)


def table(answers: list[tuple], width: int) -> str:
    """Return (number, question, answer, assumption) as lines of at most `width` characters."""
    line = "─" * width
    parts = [line]
    for number, question, answer, assumption in answers:
        parts.append(f" {number}  {question}")
        parts.append(indented(answer, width))
        parts.append(indented(f"Assumed: {assumption}", width))
        parts.append(line)
    return "\n".join(parts)


def accounted_for(nouns: tuple[str, str], counts: tuple, reasons: list[tuple]) -> str:
    """Return what became of the rows that were read; nothing if there were none."""
    read, accepted, again, rejected = (int(n or 0) for n in counts)
    if not read:
        return ""
    told = f"{counted(read, 'row')} read: {counted(accepted, nouns[0])}, {counted(again, nouns[1])}"
    told += f", {rejected:,} rejected"
    if reasons:
        told += " (" + ", ".join(f"{count:,} {reason}" for reason, count in reasons) + ")"
    return told + "."


def counted(number: int, noun: str) -> str:
    """Return a number of things: 1 row, 2 rows."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def indented(text: str, width: int) -> str:
    """Return text in lines, under the question."""
    return textwrap.fill(text, width, initial_indent="    ", subsequent_indent="    ")
