"""Print the four answers as a table that a product owner can read."""

import os
import shutil
import sys
import textwrap

import duckdb


def database() -> str:
    """Return the path of the database file that dbt builds."""
    return os.environ.get("DWELL_DATABASE", "dwell.duckdb")


def main() -> int:
    """Print the answers of the last build. 1 if there are none."""
    try:
        with duckdb.connect(database(), read_only=True) as connection:
            answers = connection.execute(
                "select question_number, question, answer, assumption "
                "from main.product_answers order by question_number"
            ).fetchall()
            rows = connection.execute(
                "select sum(rows_read), sum(rows_accepted), sum(rows_duplicate), "
                "sum(rows_rejected) from main.event_reconciliation"
            ).fetchone()
            reasons = connection.execute(
                "select reject_reason, count(*) from main.rejected_events "
                "group by 1 order by 2 desc, 1"
            ).fetchall()
    except duckdb.Error as error:
        print(
            f"dwell: no answers in {database()}: build first, with make.\n{error}", file=sys.stderr
        )
        return 1
    width = min(shutil.get_terminal_size().columns, 110)
    print(table(answers, width))
    print(indented(accounted_for(rows, reasons), width))
    return 0


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


def accounted_for(rows: tuple, reasons: list[tuple]) -> str:
    """Return what became of the rows that were read."""
    read, accepted, duplicate, rejected = (int(n or 0) for n in rows)
    told = (
        f"{read:,} rows read: {accepted:,} events, {duplicate:,} duplicates, {rejected:,} rejected"
    )
    if reasons:
        told += " (" + ", ".join(f"{count:,} {reason}" for reason, count in reasons) + ")"
    return told + "."


def indented(text: str, width: int) -> str:
    """Return text in lines, under the question."""
    return textwrap.fill(text, width, initial_indent="    ", subsequent_indent="    ")
