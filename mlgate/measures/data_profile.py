"""The profile of a table for the report: a small histogram of each column.

Bins are chosen so that counting in them is exact. Whole numbers and moments get bins of a whole width from
their smallest value on; other numbers get bins whose width is a power of two and whose edges are multiples
of it, because floats divide by those without rounding. No value of a single row is shown: ends of bins are
no values, and a text is named only where at least `SHOWN` rows have it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from mlgate.cells import BinCounts, ColumnProfile, ColumnType, Histogram
from mlgate.estimates import Chart

MAX_COLUMNS = 60
"""Columns that a profile shows."""

SHOWN = 5
"""Rows that must have a text before it is named."""

OTHER = "other"

_BINS = 12
_FINE_BINS = 16
_TOP = 8
_MAX_VALUES = 1_000
"""A column with more values, roughly, is of names or free text: they tell nothing, or who it was."""
_EXACT = 2.0**52
_DAY = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -62_135_596_800, 253_402_300_799
"""How far Python's dates reach, in seconds since 1970."""

Point: TypeAlias = float | str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """How one column is to be drawn: what is asked for it, and what its bins mean."""

    column: str
    kind: ColumnType
    asked: Histogram
    last: int | None = None
    """The number of the last bin, which takes the values that lie on its upper edge; None for values."""


def pictures(types: Mapping[str, ColumnType], profiles: Mapping[str, ColumnProfile]) -> list[Picture]:
    """Return the histograms to ask for, of columns with their ends and about how many values they have.

    At most `MAX_COLUMNS`. Columns without a value, with infinite ones, or with too many texts have none.
    """
    found = (_picture(name, types[name], one) for name, one in profiles.items() if name in types)
    return [one for one in found if one is not None][:MAX_COLUMNS]


def _picture(name: str, kind: ColumnType, profile: ColumnProfile) -> Picture | None:
    low, high = profile.minimum, profile.maximum
    if profile.nulls == profile.rows or kind == "other":
        return None
    if kind in ("string", "boolean"):
        about = 2 if kind == "boolean" else profile.about
        if about is None or about > _MAX_VALUES:
            return None
        return Picture(column=name, kind=kind, asked=Histogram(name, size=about))
    ends = (low, high)
    if kind in ("date", "timestamp"):
        ends = (_seconds(low), _seconds(high))
    if not all(isinstance(end, float) and math.isfinite(end) for end in ends):
        return None
    return _binned(name, kind, float(ends[0] or 0.0), float(ends[1] or 0.0))


def _binned(name: str, kind: ColumnType, low: float, high: float) -> Picture | None:
    unit = {"integer": 1, "timestamp": 1, "date": _DAY}.get(kind)
    if unit is not None and max(abs(low), abs(high)) < _EXACT / 2:
        low = float(math.floor(low / unit) * unit)
        width = float(math.ceil(((high - low) / unit + 1) / _BINS) * unit)
        last = math.floor((high - low) / width)
        asked = Histogram(name, width, low, size=last + 1)
    else:
        width = _power(low, high)
        first, last = math.floor(low / width), math.floor(high / width)
        # A value on the last edge would have a bin to itself.
        asked = Histogram(name, width, size=last - first + 1)
        last = max(last - (last * width == high), first)
    if kind in ("date", "timestamp") and not _FIRST <= asked.start + (last + 1) * width <= _LAST:
        return None
    return Picture(column=name, kind=kind, asked=asked, last=last)


def _power(low: float, high: float) -> float:
    """Return the smallest power of two that cuts [low, high] into at most `_FINE_BINS` bins."""
    range_ = high / _FINE_BINS - low / _FINE_BINS
    width = 2.0 ** max(math.frexp(range_)[1] - 1, -1000) if range_ else _near(low)
    while math.floor(high / width) - math.floor(low / width) >= _FINE_BINS:
        width *= 2
    return width


def _near(value: float) -> float:
    """Return a width for a column of one value: the power of two below it."""
    return 2.0 ** max(math.frexp(value)[1] - 4, -1000)


def _seconds(moment: float | str | None) -> float | None:
    """Return whole seconds since 1970 of a moment as profiles spell it; None past Python's dates."""
    if not isinstance(moment, str):
        return None
    try:
        whole = datetime.fromisoformat(moment.partition(".")[0].partition("+")[0])
    except ValueError:
        return None
    return float((whole.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1))


def charts(asked: Iterable[Picture], counts: Mapping[Histogram, BinCounts]) -> tuple[Chart, ...]:
    """Return one chart of kind `histogram` for each column: `low`, `high`, `rows`, or `value`, `rows`.

    `missing` is the number of rows without a value. Moments have their ends as ISO 8601 texts.
    """
    return tuple(_chart(one, counts[one.asked]) for one in asked)


def _chart(picture: Picture, counts: BinCounts) -> Chart:
    data = _values(counts.values) if picture.last is None else _bins(picture, counts)
    return Chart(kind="histogram", title=picture.column, data={**data, "missing": (float(counts.nulls),)})


def _bins(picture: Picture, counts: BinCounts) -> dict[str, tuple[Point, ...]]:
    width, start = picture.asked.width or 1.0, picture.asked.start
    last = picture.last or 0
    rows: dict[int, int] = {}
    for place, n in counts.bins:
        rows[min(place, last)] = rows.get(min(place, last), 0) + n
    places = range(min(rows), last + 1)
    return {
        "low": tuple(_edge(picture, start + place * width) for place in places),
        "high": tuple(_edge(picture, start + (place + 1) * width) for place in places),
        "rows": tuple(float(rows.get(place, 0)) for place in places),
    }


def _edge(picture: Picture, value: float) -> Point:
    if picture.kind not in ("date", "timestamp"):
        return value
    moment = _EPOCH + timedelta(seconds=value)
    return moment.date().isoformat() if picture.kind == "date" else moment.replace(tzinfo=None).isoformat()


def _values(values: Sequence[tuple[str, int]]) -> dict[str, tuple[Point, ...]]:
    """Name the most frequent values that many rows share, and put the rest together."""
    named = [(text, n) for text, n in values[:_TOP] if n >= SHOWN]
    rest = sum(n for _, n in values[len(named) :])
    shown = [(repr(text) if text == OTHER else text, n) for text, n in named]
    shown += [(OTHER, rest)] if rest else []
    return {
        "value": tuple(text for text, _ in shown),
        "rows": tuple(float(n) for _, n in shown),
    }
