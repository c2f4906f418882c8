"""The data of a chart as numbers: checked before anything is drawn from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Value = float | str | None
Data = Mapping[str, Sequence[Value]]

POINTS = 200
"""Points of one series that are drawn; the record promises no more."""


def numeric(series: Sequence[Value]) -> bool:
    """Whether a series holds numbers, and nothing but numbers and gaps."""
    return any(one is not None for one in series) and all(
        one is None or (isinstance(one, (int, float)) and math.isfinite(one)) for one in series
    )


def rows(data: Data, *names: str) -> list[tuple[float, ...]] | None:
    """Return the entries of some series side by side, those with a gap left out.

    None when a series is missing, is not numeric, or there is no whole entry.
    """
    if any(name not in data or not numeric(data[name]) for name in names):
        return None
    lined = zip(*(data[name][:POINTS] for name in names), strict=False)
    found = [tuple(float(one) for one in row if one is not None) for row in lined if None not in row]
    return found or None


def texts(series: Sequence[Value]) -> list[str]:
    """Return a series as texts; a gap is a dash."""
    return ["-" if one is None else str(one) for one in series[:POINTS]]
