"""Numbers, times and names as people read them."""

import re
from datetime import date, datetime
from urllib.parse import urlsplit

NAME = 120


def count(number: float | None) -> str:
    """Return a whole number with commas: 1,234."""
    return "–" if number is None else f"{number:,.0f}"


def counted(number: int, noun: str) -> str:
    """Return a number of things: 1 session, 1,234 sessions."""
    return f"{count(number)} {noun}" + ("" if number == 1 else "s")


def percent(share: float | None) -> str:
    """Return a share from 0 to 1: 0.2%, 19%; what is little, but not nothing, is under 0.1%."""
    if share is None:
        return "–"
    if 0 < share < 0.001:
        return "under 0.1%"
    # so that 100% is all of them
    near_an_end = share < 0.0995 or 0.995 <= share < 1
    return (
        f"{min(share, 0.999) if share < 1 else 1:.1%}" if near_an_end and share else f"{share:.0%}"
    )


def change(share: float) -> str:
    """Return by how much something is more or less: +2.1%, −4.0%, ±0%."""
    if abs(share) < 0.0005:
        return "±0%"
    return f"{share:+.1%}".replace("-", "−")


def duration(seconds: float | None) -> str:
    """Return the two greatest units of a time span: 4.2 s, 1 min 46 s, 1 h 8 min, 3 d 4 h."""
    if seconds is None:
        return "–"
    if round(seconds, 1) < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    for size, unit, part, smaller in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size:,} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def span(seconds_from: int, seconds_to: int | None) -> str:
    """Return a class of lengths: under 10 s, 10–30 s, 30 s–1 min, over 8 h."""
    if not seconds_from:
        return f"under {duration(seconds_to)}"
    if seconds_to is None:
        return f"{duration(seconds_from)} or more"
    first, last = duration(seconds_from), duration(seconds_to)
    if first.split()[1] == last.split()[1]:
        first = first.split()[0]
    return f"{first}–{last}"


def numbers(least: int, most: int | None, noun: str) -> str:
    """Return a class of numbers: 1 event, 6–10 events, 1,001 events or more."""
    if most is None:
        return f"{counted(least, noun)} or more"
    return counted(least, noun) if least == most else f"{count(least)}–{counted(most, noun)}"


def day(value: date) -> str:
    """Return a day: Tue 18 March 2025."""
    return f"{value:%a} {value.day} {value:%B} {value.year}"


def short_day(value: date) -> str:
    """Return a day: 18 March 2025."""
    return f"{value.day} {value:%B} {value.year}"


def days(first: date, last: date) -> str:
    """Return the days from one to another: 3 March to 30 March 2025."""
    if first == last:
        return day(first)
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day} {first:%B}{year} to {last.day} {last:%B} {last.year}"


def moment(value: datetime) -> str:
    """Return a time in UTC, to the minute: Wed 12 March 2025, 19:13 UTC."""
    return f"{day(value)}, {value:%H:%M} UTC"


def name(text: str | None, most: int = NAME) -> str:
    """Return what somebody else has named, cut where it is very long."""
    if text is None:
        return "(none)"
    return text if len(text) <= most else f"{text[:most]}…"


def place(source: str) -> str:
    """Return where a file came from, without the user, password or signature in its address."""
    if "://" not in source:
        return name(source, 200)
    try:
        address = urlsplit(source)
    except ValueError:
        return f"{source.partition('://')[0]}://…"
    host = re.sub(r"^.*@", "", address.netloc)
    return name(f"{address.scheme}://{host}{address.path}", 200)
