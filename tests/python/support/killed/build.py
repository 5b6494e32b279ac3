"""Builds a copy of a database, killed again and again: python build.py FILE STEP [log|new].

A build is killed at its first line, the next at line 1 + STEP, and so on, until one lives.

Each build adds its number to a table. After each kill, the database has what it had, or that and
the number of the build that was killed; and the next build goes well. With `log`, a writer has died
before each build, and left what it added in a .wal; with `new`, there is no database before it.
Prints how often it had what.
"""

import json
import os
import signal
import sys
from pathlib import Path

# a process of its own, outside pytest: the checkout, and tests/python
sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[4]))

import duckdb

from dwell.build import write_audit_publish
from dwell.runtime import atomic_file

TRACED = (write_audit_publish.__file__, atomic_file.__file__, __file__)


def build(path, number):
    with write_audit_publish.working_copy(path) as copy, duckdb.connect(str(copy)) as connection:
        connection.execute("create table if not exists numbers (number int)")
        connection.execute("insert into numbers values ($1)", [number])


def die_while_writing(path, number):
    connection = duckdb.connect(str(path))
    connection.execute("pragma disable_checkpoint_on_shutdown")
    connection.execute("insert into numbers values ($1)", [number])
    die()


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def numbers(path):
    """Return what the database has; nothing if it does not exist yet."""
    if not path.exists():
        return []
    with duckdb.connect(str(path), read_only=True) as connection:
        return [
            n for (n,) in connection.execute("select number from numbers order by 1").fetchall()
        ]


def in_a_child(work, *about, dying_at=0):
    """Return whether a process of its own lived through some work, and what the work returned."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        if dying_at:
            sys.settrace(killer(dying_at))
        result = work(*about)
        sys.settrace(None)
        os.write(into, json.dumps(result).encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as pipe:
        result = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), status
    return status == 0, json.loads(result) if result else None


def killer(lines):
    def trace(frame, event, _):
        nonlocal lines
        if frame.f_code.co_filename not in TRACED:
            return None
        if event == "line":
            lines -= 1
            if lines == 0:
                die()
        return trace

    return trace


def look_and_build(path, number):
    """Return what is found, and what is found after a build."""
    found = numbers(path)
    build(path, number)
    return found, numbers(path)


def main(path, step, case=None):
    number, had, counts = 0, [0], {"before": 0, "after": 0}
    in_a_child(build, path, 0)
    line, lived = 1, False
    while not lived:
        if case == "new":
            path.unlink()
            had = []
        if case == "log":
            number += 1
            assert not in_a_child(die_while_writing, path, number)[0]
            had.append(number)
        number += 2
        lived, _ = in_a_child(build, path, number - 1, dying_at=line)
        _, (found, then) = in_a_child(look_and_build, path, number)
        assert found in (had, [*had, number - 1]), (line, had, found)
        assert then == [*found, number], line
        assert [p.name for p in path.parent.iterdir()] == [path.name], line
        counts["before" if found == had else "after"] += not lived
        had, line = then, line + step
    print(json.dumps(counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
