"""Numbers and errors as parts of a sentence."""

MAX_ERROR_LENGTH = 500


def counted(number: int, noun: str) -> str:
    """Return a number of things: 1 session, 1,234 sessions."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def shorten_error(error: Exception) -> str:
    """Return the message of an error in one line, without the pages that some clients add."""
    text = " ".join(str(error).split()).rstrip(".")
    return text if len(text) <= MAX_ERROR_LENGTH else f"{text[:MAX_ERROR_LENGTH]} ..."
