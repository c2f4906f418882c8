"""Numbers as people read them: as precise as the interval allows, never rounded across a limit."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mlgate.findings import Finding, GroupRecord, LimitRecord

PLACES = 12
"""Digits that are enough to tell any two numbers of a report apart: they are rounded to 12 themselves."""

_TINY, _HUGE = 1e-4, 1e15

_COUNTED = 1e6
"""Whole numbers from here on are bytes or rows, that no interval makes a fraction of."""


def count(value: float | None) -> str:
    """Write a number of rows or a sum of weights: `1,400`, `12.5`; a dash for none."""
    if value is None:
        return "-"
    return f"{int(value):,}" if float(value).is_integer() else _trimmed(f"{value:,.2f}")


def about(rows: int) -> str:
    """Write an estimate of how many rows: rounded up to two digits, `1,400`."""
    step = 10 ** max(len(str(rows)) - 2, 0)
    return f"{-(-rows // step) * step:,}"


def exact(value: float) -> str:
    """Write a number with all its digits, as a limit is stated: `0.78`, `1,400`."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < _HUGE):
        return f"{int(value):,}"
    return f"{value:.12g}"


def rough(value: float, against: Iterable[float] = ()) -> str:
    """Write a number that has no interval: four significant digits, more where a limit is that close."""
    if not math.isfinite(value):  # the end of a guard that reaches past all numbers
        return "without end"
    if float(value).is_integer() and abs(value) < _HUGE:
        return exact(value)
    return _trimmed(_apart(value, tuple(against), _significant(value)))


def value_of(finding: Finding) -> str:
    """Write the value of a finding, one digit finer than its interval; a dash when there is none."""
    if finding.value is None:
        return "-"
    if finding.interval is None:
        return rough(finding.value, edges(finding.limit))
    if finding.value.is_integer() and abs(finding.value) >= _COUNTED:
        return exact(finding.value)
    return _apart(finding.value, edges(finding.limit), _places(finding.interval) + 1)


def interval_of(finding: Finding) -> str | None:
    """Write the interval, `[0.79, 0.85]`; None when there is none."""
    return None if finding.interval is None else bounds(finding.interval, edges(finding.limit))


def bounds(interval: tuple[float, float], against: Iterable[float] = ()) -> str:
    """Write an interval with about two digits of its width."""
    edge, places = tuple(against), _places(interval)
    low, high = (_apart(one, edge, places).replace(",", "") for one in interval)
    return f"[{low}, {high}]"


def group_value(group: GroupRecord) -> str:
    """Write the value of one row of a group table; a dash when it is not estimable."""
    if group.value is None:
        return "-"
    if group.interval is None:
        return rough(group.value)
    return _apart(group.value, (), _places(group.interval) + 1)


def share(value: float) -> str:
    """Write a share as a percentage, `97.3 %`; never `100 %` for less than all of it."""
    percent = f"{value * 100:.3g}"
    return "more than 99.9 %" if value < 1 and float(percent) >= 100 else f"{percent} %"  # noqa: PLR2004  per cent


def edges(limit: LimitRecord | None) -> tuple[float, ...]:
    """Return the numbers at which a limit changes sides; none for text."""
    value = None if limit is None else limit.value
    if isinstance(value, tuple):
        return value
    return (float(value),) if isinstance(value, (int, float)) else ()


def _places(interval: tuple[float, float]) -> int:
    """Return the decimals that a width deserves: 0.06 gives 2, 0.012 gives 3."""
    width = interval[1] - interval[0]
    if not 0 < width < math.inf:
        return 4
    return min(max(math.ceil(-math.log10(width / 6)), 0), PLACES)


def _significant(value: float, digits: int = 4) -> int:
    return max(digits - 1 - math.floor(math.log10(abs(value))), 0) if value else 0


def _apart(value: float, against: tuple[float, ...], places: int) -> str:
    """Write `value` with at least `places` decimals, and on the same side of `against` as it is."""
    for more in range(places, places + PLACES):
        text = _fixed(value, more)
        if all(_side(float(text.replace(",", "")), one) == _side(value, one) for one in against):
            return text
    return f"{value:.{PLACES}g}"


def _fixed(value: float, places: int) -> str:
    if value and not _TINY <= abs(value) < _HUGE:
        return f"{value:.{max(places - _significant(value, 1), 3)}g}"
    return f"{value + 0.0:,.{places}f}" if round(value, places) else f"{0:.{places}f}"


def _side(value: float, edge: float) -> int:
    return (value > edge) - (value < edge)


def _trimmed(text: str) -> str:
    if "." not in text or "e" in text:
        return text
    return text.rstrip("0").rstrip(".")
