"""The two ends of a range, checked against the type of the column before anything is asked of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from mlgate.cells import ColumnProfile, ColumnType, Outside
from mlgate.errors import EvidenceError, PolicyError


def between_ends(name: str, kind: ColumnType, low: float | str | None, high: float | str | None) -> Outside:
    """Ask how many values of a column lie outside two ends that suit its type.

    Raises PolicyError for ends that no value can lie between, EvidenceError for a column without order.
    """
    where = f"params of data.range: column {name!r}"
    given = [end for end in (low, high) if end is not None]
    if not given:
        raise PolicyError(where, "neither end is given", "write `[low, high]`; one of them may be null")
    if kind in ("integer", "number"):
        numbers = [end for end in given if not isinstance(end, str) and math.isfinite(end)]
        if len(numbers) < len(given):
            raise PolicyError(where, f"its ends are {given}, the column is of type {kind}", "write numbers")
        ordered = sorted(numbers) == numbers
    elif kind in ("date", "timestamp"):
        ordered = _times_ordered(where, kind, given)
    else:
        raise EvidenceError(
            f"column {name!r}",
            f"is of type {kind}, which has no range",
            "name a numeric, date or timestamp column, or use data/allowed-values",
        )
    if not ordered:
        raise PolicyError(where, f"the lower end {low} is above the upper end {high}", "swap them")
    return Outside(column=name, low=low, high=high)


def inside(found: ColumnProfile, low: float | None, high: float | None) -> bool:
    """Whether all values of a numeric column are sure to lie between two ends, or there are none.

    Its smallest and largest value come as floats. A rounded value that is truly less than an end was so
    before it was rounded; one that is equal may not have been, so it counts as unsure.
    """
    if found.nulls == found.rows:
        return True
    least, most = found.minimum, found.maximum
    if not isinstance(least, float) or not isinstance(most, float):
        return False
    return (low is None or low < least) and (high is None or most < high)


def _times_ordered(where: str, kind: str, given: Sequence[float | str]) -> bool:
    try:
        times = [datetime.fromisoformat(end) for end in given]  # type: ignore[arg-type]  # numbers raise
        return sorted(times) == times
    except (TypeError, ValueError):
        raise PolicyError(
            where,
            f"its ends are {list(given)}, the column is of type {kind}",
            "write ISO 8601 texts alike, such as '2026-01-31'",
        ) from None
