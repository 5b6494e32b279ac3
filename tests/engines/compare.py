"""What differs between a mart's rows on two engines."""

import math
from collections import Counter

# Doubles of statistics, which engines compute by other functions, or add up in another order: equal
# to 9 digits. All else is equal, times to the microsecond.
NEARLY = {
    "timeout_fit": (
        "share_within",
        "typical_gap_within_seconds",
        "sd_within_log10",
        "typical_gap_between_seconds",
        "sd_between_log10",
        "cut_seconds",
        "ashman_d",
        "bic_gain",
        "elasticity",
    ),
    "timeout_fit_curve": ("log10_seconds", "seconds", "gaps_within", "gaps_between"),
    "timeout_gap_histogram": ("seconds_from", "seconds_to", "log10_seconds", "share"),
}


def differences(mart, expected, got):
    """Return sentences, a few, on what differs between (columns, rows) and (columns, rows)."""
    (columns, expected), (found, got) = expected, got
    if found != columns:
        return [f"{mart} has the columns {found}, not {columns}"]
    nearly = [columns.index(c) for c in NEARLY.get(mart, ())]
    exact = [i for i, _ in enumerate(columns) if i not in nearly]

    def exactly(row):
        return tuple(row[i] for i in exact)

    missing = Counter(map(exactly, expected)) - Counter(map(exactly, got))
    more = Counter(map(exactly, got)) - Counter(map(exactly, expected))
    names = [columns[i] for i in exact]
    if missing or more:
        return [
            f"{mart}: {missing.total()} rows are missing, {more.total()} should not be there",
            *describe_rows(names, list(missing)[:5], list(more)),
        ]

    def in_order(row):
        # some rows have nothing that is exact
        almost = (None if row[i] is None else round(row[i], 9) for i in nearly)
        return [(v is not None, v) for v in (*exactly(row), *almost)]

    return [
        f"{mart}: {columns[i]} is {other[i]}, not {one[i]}"
        for one, other in zip(
            sorted(expected, key=in_order), sorted(got, key=in_order), strict=True
        )
        for i in nearly
        if not near(one[i], other[i])
    ][:5]


def describe_rows(names, missing, more):
    """Describe each missing row by its differences from the row that is most like it."""
    for row in missing:
        like = max(more, key=lambda other: alike(row, other), default=())
        expected = dict(zip(names, row, strict=True))
        if alike(row, like) * 2 < len(row):
            yield f"  no {expected}"
            continue
        others = [
            f"{name} is {other!r}, not {one!r}"
            for name, one, other in zip(names, row, like, strict=True)
            if one != other
        ]
        yield f"  {'; '.join(others)}: {expected}"
    if not missing:
        yield from (f"  one more {dict(zip(names, row, strict=True))}" for row in more[:5])


def alike(row, other):
    return sum(one == two for one, two in zip(row, other, strict=False))


def near(one, other):
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
