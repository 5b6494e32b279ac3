"""The answers as sentences. The terminal and the page print them.

Names of users and events are as in the data. Escape a sentence where you print it.
"""

from datetime import date

from dwell.report.formatting import as_list, counted, dates, in_units, joined, quantity, spelled
from dwell.report.marts import Row

# so many of those that tie are named
NAMED = 3
# an elasticity up to here: another timeout would change little
LITTLE = 0.1


def busiest_day(days: list[date], day_count: int, events: int | None) -> str:
    """Return the day with most events; `days` are the first ones of those that tie."""
    if not days or events is None:
        return "There are no events."
    if day_count == 1:
        return f"The busiest day was {dates(days)}, with {counted(events, 'event')}."
    return (
        f"{spelled(day_count).capitalize()} days tie for the busiest, with "
        f"{counted(events, 'event')} each: {dates(days, day_count - len(days))}."
    )


def definition(settings: Row, sessions: int, visitors: int, is_sample: bool) -> str:
    """Return the definition of a session, and how many there are."""
    timeout = quantity(settings["session_timeout_minutes"], "minute")
    sentences = [
        "A session is a visitor's longest sequence of events without a gap of more than "
        f"{timeout}.",
        *cuts(settings),
    ]
    numbers = f"{counted(sessions, 'session')} by {counted(visitors, 'visitor')}"
    if not sessions:
        sentences.append("There are no sessions.")
    elif is_sample:
        sentences.append(f"The sample has {numbers}.")
    else:
        sentences.append(f"There {'is' if sessions == 1 else 'are'} {numbers}.")
    return " ".join(sentences)


def cuts(settings: Row) -> list[str]:
    """Return what ends a session although the visitor is active."""
    ends = []
    if settings["session_split_at_midnight"]:
        ends.append(f"at midnight ({settings['reporting_timezone']})")
    if settings["session_max_hours"]:
        ends.append(f"after {quantity(settings['session_max_hours'], 'hour')}")
    sentences = [f"A session also ends {joined(ends)}."] if ends else []
    if names := as_list(settings["session_start_events"]):
        sentences.append(f"An event named {joined(names, 'or')} starts a new session.")
    return sentences


def largest_session(
    names: list[str], people: int, session_count: int | None, events: int | None
) -> str:
    """Return the most events in a session; `names` are the first ones of all `people`."""
    if not session_count or events is None:
        return "There are no sessions."
    named = joined([*names, *([f"{people - len(names):,} more"] if people > len(names) else [])])
    if session_count == 1:
        return f"The largest session has {counted(events, 'event')} ({named})."
    return (
        f"{spelled(session_count).capitalize()} sessions tie for the largest, with "
        f"{counted(events, 'event')} each ({named})."
    )


def durations(summary: Row, longest_count: int) -> str:
    """Return how long sessions last; `longest_count` of them tie for the longest."""
    if not summary["sessions"]:
        return "There are no sessions."
    average = f"The average session lasts {in_units(summary['mean_duration_seconds'])}"
    without_single = summary["mean_duration_seconds_without_single_event_sessions"]
    if without_single is None:
        return f"{average}: no session has more than one event."
    if summary["single_event_sessions"]:
        average += f"; sessions with more than one event average {in_units(without_single)}"
    longest = in_units(summary["longest_duration_seconds"])
    return (
        f"{average}. Half of all sessions last at most "
        f"{in_units(summary['median_duration_seconds'])}. "
        + (
            f"The longest lasts {longest}."
            if longest_count == 1
            else f"{spelled(longest_count).capitalize()} sessions tie for the longest, with "
            f"{longest} each."
        )
    )


# -- Assumptions ---------------------------------------------------------------------------------


def about_days(settings: Row) -> str:
    """Return what the busiest day depends on."""
    return " ".join(
        [
            "Activity is the number of events.",
            f"Days are calendar days in {settings['reporting_timezone']}.",
            *about_events(settings),
        ]
    )


def about_events(settings: Row) -> list[str]:
    """Return which events count."""
    if not settings["drop_exact_duplicates"]:
        sentences = ["Exact duplicates are counted each time."]
    elif "event_id" in settings["events_columns"]:
        sentences = ["Exact duplicates with the same event ID are counted once."]
    else:
        sentences = ["Exact duplicates are counted once."]
    return sentences + about_ignored(settings)


def about_ignored(settings: Row) -> list[str]:
    """Return which events do not count."""
    names = as_list(settings["ignored_events"])
    return [f"Events named {joined(names, 'or')} are ignored."] if names else []


def about_visitors(settings: Row, fit: Row | None) -> str:
    """Return who a visitor is, and whether the timeout is a good choice."""
    key = as_list(settings["session_key"])
    if key == ["device_id"]:
        visitor, missing, other = "device", "device", "user"
    else:
        visitor = "user on one device" if "device_id" in key else "user"
        missing, other = "user", "device"
    sentences = [
        f"A visitor is one {visitor}.",
        f"Visitors without a {missing} ID are counted by {other}.",
        *about_ignored(settings),
    ]
    if fit:
        timeout = float(settings["session_timeout_minutes"])
        sentences.append(about_timeout(fit, timeout, bool(cuts(settings))))
    return " ".join(sentences)


def about_timeout(fit: Row, timeout: float, has_cuts: bool) -> str:
    """Return whether the gaps between events support the timeout, and whether it matters."""
    if not fit["has_enough_gaps"]:
        return "There are too few gaps between events to suggest a timeout."
    suggested = "no particular timeout"
    if fit["is_accepted"]:
        suggested = f"a timeout of {quantity(round(fit['cut_seconds'] / 60), 'minute')}"
    sentence = f"The gaps between events suggest {suggested}"
    if fit["elasticity"] is None:
        return f"{sentence}."
    matters = fit["elasticity"] > LITTLE
    # of a suggestion, one expects that it matters
    conjunction = "and" if matters == fit["is_accepted"] else "but"
    # cuts add sessions to those that a timeout makes
    before_cuts = ", before the other limits," if has_cuts else ""
    return (
        f"{sentence}, {conjunction} the choice {'matters' if matters else 'hardly matters'}: "
        f"{quantity(timeout / 2, 'minute')} would give{before_cuts} "
        f"{counted(fit['sessions_at_half_the_timeout'], 'session')}, "
        f"and {quantity(timeout * 2, 'minute')} {fit['sessions_at_double_the_timeout']:,}."
    )


def about_durations(summary: Row) -> str:
    """Return from when to when a session lasts."""
    lasts = "A session lasts from its first to its last event."
    single = summary["single_event_sessions"]
    if not summary["sessions"]:
        return lasts
    if not single:
        return f"{lasts} No session has a single event."
    if single == 1:
        return f"{lasts} 1 session has a single event and lasts 0 s."
    return f"{lasts} {counted(single, 'session')} have a single event and last 0 s."
