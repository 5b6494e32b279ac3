r"""Text from data, made safe to show.

A user id, a file name or an error message may hold characters that a terminal or a page obeys (an
escape sequence changes colours and titles, a bidirectional mark reorders the text around it) or
hides. They are shown as JSON writes them: `\u001b`, `\u202e`, `\n`.
"""

import sys
import traceback
import unicodedata

# control; format, such as bidirectional and zero-width; half of a pair; separators of lines
UNSAFE_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def is_unsafe(character: str) -> bool:
    """Whether a terminal may obey or hide a character."""
    return unicodedata.category(character) in UNSAFE_CATEGORIES


def escape(text: object, keep: str = "") -> str:
    """Return a text without characters that a terminal obeys or hides, but for those in `keep`.

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
    """Return a text of several lines; all but the first are indented, so that none passes for ours.

    For messages of dbt and databases, which have lines of their own and quote data.
    """
    return escape(text, keep="\n").replace("\n", "\n  ")


def print_error(sentence: object, *lines: str) -> None:
    """Print to stderr what is wrong, in one line, and what may be said below it."""
    print(f"dwell: {escape(sentence)}", *map(escape, lines), sep="\n  ", file=sys.stderr)


def print_traceback(kind, error, trace) -> None:
    """Print an error that no one has caught, as Python does."""
    lines = "".join(traceback.format_exception(kind, error, trace))
    print(escape(lines, keep="\n"), end="", file=sys.stderr)
