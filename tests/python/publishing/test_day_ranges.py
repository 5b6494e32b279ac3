"""Days as ranges: none is left out, and the days between a few of them is."""

import random
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from dwell.publishing.day_ranges import ALL, EARLIEST, LATEST, MAX_RANGES, Range, cover_days


def day(number):
    return date(2025, 1, 1) + timedelta(days=number)


def full_days(first, last):
    return Range(datetime.combine(first, time()), datetime.combine(last, time.max))


def test_days_that_follow_one_another_are_one_range():
    assert cover_days([day(2), day(0), day(1), day(1)]) == (full_days(day(0), day(2)),)


def test_an_old_day_leaves_out_what_lies_between():
    assert cover_days([date(2000, 1, 1), day(0), day(1)]) == (
        full_days(date(2000, 1, 1), date(2000, 1, 1)),
        full_days(day(0), day(1)),
    )


def test_where_no_days_are_known_it_is_all_of_them():
    assert cover_days([]) == ALL == (Range(EARLIEST, LATEST),)


def test_of_many_days_the_smallest_gaps_are_filled():
    # a gap of two days, of three, and so on
    days, at = [], 0
    for gap in range(2, 2 + MAX_RANGES + 10):
        days.append(day(at))
        at += gap
    found = cover_days(days)
    assert len(found) == MAX_RANGES
    # the ten smallest gaps and one more are filled: 11 of 59 gaps leave 49 and the first range
    assert found[0] == full_days(days[0], days[10])
    assert found[1:] == tuple(full_days(d, d) for d in days[11:])


def test_every_day_is_covered_and_ranges_do_not_overlap():
    draw = random.Random(1)
    for _ in range(200):
        days = {day(draw.randrange(2_000)) for _ in range(draw.randint(1, 200))}
        found = cover_days(days)
        assert len(found) <= MAX_RANGES
        assert all(any(f.date() <= d <= t.date() for f, t in found) for d in days)
        assert all(a.last < b.first for a, b in pairwise(found))
        if len(days) <= MAX_RANGES:
            covered = sum((t.date() - f.date()).days + 1 for f, t in found)
            assert covered == len(days)


def test_a_range_is_widened_no_further_than_time_goes():
    by = timedelta(days=1)
    assert Range(EARLIEST, LATEST).widened(by) == Range(EARLIEST, LATEST)
    noon = datetime(2025, 1, 1, 12)
    assert Range(noon, noon).widened(by) == Range(noon - by, noon + by)
