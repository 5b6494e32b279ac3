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
            rows = connection.execute(
                "select question_number, question, answer, assumption "
                "from main.product_answers order by question_number"
            ).fetchall()
    except duckdb.Error as error:
        print(
            f"dwell: no answers in {database()}: build first, with make.\n{error}", file=sys.stderr
        )
        return 1
    print(table(rows, min(shutil.get_terminal_size().columns, 110)))
    return 0


def table(rows: list[tuple], width: int) -> str:
    """Return (number, question, answer, assumption) as lines of at most `width` characters."""
    line = "─" * width
    parts = [line]
    for number, question, answer, assumption in rows:
        parts.append(f" {number}  {question}")
        parts.append(indented(answer, width))
        parts.append(indented(f"Assumed: {assumption}", width))
        parts.append(line)
    return "\n".join(parts)


def indented(text: str, width: int) -> str:
    """Return text in lines, under the question."""
    return textwrap.fill(text, width, initial_indent="    ", subsequent_indent="    ")
