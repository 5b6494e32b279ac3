r"""Escapes text from data before it is printed.

A user id, a file name, or an error message may hold characters that a terminal or a page obeys (an
escape sequence changes colours and titles, a bidirectional mark reorders the text around it) or
hides. They are printed as JSON writes them: `\u001b`, `\u202e`, `\n`.
"""

import sys
import traceback
import unicodedata
from types import TracebackType

# control; format, such as bidirectional and zero-width; half of a pair; separators of lines
UNSAFE_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def is_unsafe(character: str) -> bool:
    """Whether a terminal may obey or hide a character."""
    return unicodedata.category(character) in UNSAFE_CATEGORIES


def escape(text: object, keep: str = "") -> str:
    """Escape the characters that a terminal obeys or hides, except those in `keep`.

    JSON stays JSON of the same value, if it is escaped with its own line ends kept.
    """
    text = str(text)
    if text.isprintable():
        return text
    return "".join(
        escaped(character) if is_unsafe(character) and character not in keep else character
        for character in text
    )


def escaped(character: str) -> str:
    """Return a character as JSON writes it: UTF-16, as `\\u202e`."""
    if character in SHORT:
        return SHORT[character]
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def escape_lines(text: object) -> str:
    """Escape a text of several lines, and indent all but the first.

    Messages of dbt and databases have several lines and quote data; an indented line cannot be
    mistaken for one of dwell.
    """
    return escape(text, keep="\n").replace("\n", "\n  ")


def print_error(sentence: object, *lines: str) -> None:
    """Print to stderr what is wrong, in one line, and details below it."""
    print(f"dwell: {escape(sentence)}", *map(escape, lines), sep="\n  ", file=sys.stderr)


def print_traceback(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print an uncaught error as Python does, but escaped."""
    lines = "".join(traceback.format_exception(kind, error, trace))
    print(escape(lines, keep="\n"), end="", file=sys.stderr)
