"""Formats numbers, times, and names for people."""

import re
from datetime import date, datetime, timedelta

from dwell.runtime.terminal import escape
from dwell.runtime.text import counted as counted

NONE = "–"
# keeps a number and its unit on one line
NO_BREAK_SPACE = "\u00a0"
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def count(number: float | None) -> str:
    """Return an integer with commas: 1,234."""
    return NONE if number is None else f"{number:,.0f}"


def quantity(number: float, noun: str) -> str:
    """Return a number with a fraction, and its unit: 1 minute, 0.5 hours, 30 minutes."""
    return f"{float(number):g} {noun}" + ("" if number == 1 else "s")


def spelled(number: int) -> str:
    """Return a count as the first word of a sentence: two, nine, 10, 1,234."""
    return DIGITS[number] if number < len(DIGITS) else count(number)


def as_list(value: str | list[str]) -> list[str]:
    """Return the texts of a setting that may be one text or several."""
    return [value] if isinstance(value, str) else list(value)


def joined(texts: list[str], conjunction: str = "and") -> str:
    """Return a list in a sentence: a; a and b; a, b, and c."""
    *first, last = texts
    if len(first) < 2:
        return f" {conjunction} ".join(texts)
    return f"{', '.join(first)}, {conjunction} {last}"


def percent(share: float | None) -> str:
    """Return a share from 0 to 1: under 0.1%, 3.2%, 19%; 100% only if it is exact."""
    if share is None:
        return NONE
    if 0 < share < 0.001:
        return "under 0.1%"
    if 0 < share < 0.0995:
        return f"{share:.1%}"
    return f"{min(share, 0.999):.1%}" if 0.995 <= share < 1 else f"{share:.0%}"


def change(share: float) -> str:
    """Return by how much something is more or less: +2.1%, −4.0%, ±0%."""
    return f"{share:+.1%}".replace("-", "−") if abs(share) >= 0.0005 else "±0%"


def duration(seconds: float | None) -> str:
    """Return the two greatest units of a time span: 4.2 s, 1 min 46 s, 1 h 8 min, 3 d 4 h."""
    return NONE if seconds is None else in_units(seconds).replace(" ", NO_BREAK_SPACE)


def in_units(seconds: float) -> str:
    """Return the two greatest units of a time span, with ordinary spaces."""
    if round(seconds, 1) < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    rounded = round(seconds)
    for size, unit, smaller_size, smaller in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if rounded >= size:
            rest = rounded % size // smaller_size
            return f"{rounded // size:,} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{rounded} s"


def span(seconds_from: int, seconds_to: int | None) -> str:
    """Return a class of lengths: under 10 s, 10–30 s, 30 s–1 min, 8 h or more."""
    if not seconds_from:
        return f"under {duration(seconds_to)}"
    first, last = duration(seconds_from), duration(seconds_to)
    if seconds_to is None:
        return f"{first} or more"
    number, _, unit = first.partition(NO_BREAK_SPACE)
    return f"{number if last.endswith(NO_BREAK_SPACE + unit) else first}–{last}"


def numbers(least: int, most: int | None, noun: str) -> str:
    """Return a class of numbers: 1 event, 6–10 events, 1,001 events or more."""
    if most is None:
        return f"{counted(least, noun)} or more"
    return counted(least, noun) if least == most else f"{count(least)}–{counted(most, noun)}"


def date_of(value: date) -> str:
    """Return a date: 18 March 2025."""
    return f"{value.day} {value:%B} {value.year}"


def dates(values: list[date], more: int = 0) -> str:
    """Return dates in a sentence: 18 March and 2 April 2025; with how many more there are."""
    *first, last = values
    is_one_year = len({value.year for value in values}) == 1
    texts = [f"{value.day} {value:%B}" if is_one_year else date_of(value) for value in first]
    return joined([*texts, date_of(last), *([f"{count(more)} more"] if more else [])])


def day(value: date) -> str:
    """Return a day of the week with its date: Tue 18 March 2025."""
    return f"{value:%a} {date_of(value)}"


def days(first: date, last: date) -> str:
    """Return the days from one to another: 3 March to 30 March 2025."""
    if first == last:
        return day(first)
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day} {first:%B}{year} to {date_of(last)}"


def period(unit: str, begins: str) -> str:
    """Return the day, week or month that begins on a date, as people name it."""
    first = date.fromisoformat(begins)
    if unit == "day":
        return day(first)
    return f"{first:%B} {first.year}" if unit == "month" else days(first, first + timedelta(days=6))


def minute(value: datetime | None) -> str:
    """Return a time, to the minute: Wed 12 March 2025, 19:13."""
    return NONE if value is None else f"{day(value)}, {value:%H:%M}"


def moment(value: datetime) -> str:
    """Return a time with its time zone: Wed 12 March 2025, 19:13 UTC."""
    return f"{minute(value)} UTC"


def name(text: str | None, most: int = 120) -> str:
    """Return a name from the data, truncated if it is very long."""
    if text is None:
        return "(none)"
    return escape(text if len(text) <= most else f"{text[:most]}…")


def location(source: str) -> str:
    """Return the path or address of a source, without the user, password, and signature in it."""
    if "://" not in source:
        return name(source, 200)
    scheme, _, rest = source.partition("://")
    authority, slash, path = re.split("[?#]", rest)[0].partition("/")
    return name(f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}", 200)
