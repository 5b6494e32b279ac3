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
    "timeout_gap_histogram": ("seconds_from", "seconds_to", "log10_seconds", "share"),
}


def differences(mart, expected, got):
    """Return sentences, at most ten, on what differs between (columns, rows) and (columns, rows)."""
    (columns, expected), (found, got) = expected, got
    if found != columns:
        return [f"{mart} has the columns {found}, not {columns}"]
    nearly = [columns.index(c) for c in NEARLY.get(mart, ())]
    exact = [i for i, _ in enumerate(columns) if i not in nearly]

    def exactly(row):
        return tuple(row[i] for i in exact)

    missing = Counter(map(exactly, expected))
    missing.subtract(map(exactly, got))
    told = [
        f"{mart}: {'no ' if count > 0 else 'one more '}"
        + str(dict(zip([columns[i] for i in exact], row, strict=True)))
        for row, count in missing.items()
        if count
    ]
    if not told and nearly:
        order = {"key": lambda row: [(v is not None, v) for v in exactly(row)]}
        for one, other in zip(sorted(expected, **order), sorted(got, **order), strict=True):
            told += [
                f"{mart}: {columns[i]} is {other[i]}, not {one[i]}"
                for i in nearly
                if not near(one[i], other[i])
            ]
    return told[:10]


def near(one, other):
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
