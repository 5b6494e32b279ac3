"""Opens the database of a build for reading, or explains why it has no answers."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from dwell.exceptions import UnreadableDatabaseError


@contextmanager
def open_build(database: str, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database; turn errors of DuckDB, also those of the body, into an explanation."""
    try:
        with duckdb.connect(database, read_only=True) as connection:
            yield connection
    except duckdb.Error as error:
        raise UnreadableDatabaseError(f"no {purpose} {database}: {explain(error)}") from error


def explain(error: duckdb.Error) -> str:
    """Return why a database cannot be queried, and what to do."""
    message = str(error).splitlines()[0]
    if "database does not exist" in message:
        return "it does not exist; build first, with make"
    if "set lock on file" in message:
        return f"it is open for writing elsewhere; try again when that has ended ({message})"
    if "not a valid DuckDB database" in message:
        return f"it is not a DuckDB database ({message})"
    return f"build first, with make ({message})"
