"""The closed set of comparators, on numbers rounded to 12 significant digits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

DIGITS = 12
"""Significant digits that values and bounds are rounded to before they are compared or written."""


class Op(str, Enum):
    """The closed set of comparators. Anything richer is a measure of its own."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BETWEEN = "between"
    EQUALS = "equals"
    HOLDS = "holds"


def round12(value: float) -> float:
    """Round to 12 significant digits; minus zero becomes zero, NaN and infinities stay.

    The twelfth digit is far above the noise of summation order and far below any difference that
    matters, so engines and platforms agree on every comparison.
    """
    if not math.isfinite(value):
        return value
    rounded = float(f"{value:.{DIGITS}g}")
    return rounded + 0.0 if math.isfinite(rounded) else value


@dataclass(frozen=True, slots=True)
class Limit:
    """One comparator on one number."""

    op: Op
    value: float | tuple[float, float] | str | bool
    """A number; for `between` the two ends, lower first; for `equals` a number or text; for `holds` a
    truth value."""

    def __str__(self) -> str:
        """Say it as a sentence does: `at least 0.8`."""
        match self.value:
            case (low, high):
                return f"between {_float(low):.12g} and {_float(high):.12g}"
            case value if self.op is Op.HOLDS:
                return "true" if value else "false"
            case int() | float() as value:
                return f"{self.op.value.replace('_', ' ')} {_float(value):.12g}"
            case value:
                return f"{self.op.value.replace('_', ' ')} {value!r}"

    @property
    def span(self) -> tuple[float, float] | None:
        """Lowest and highest number inside, rounded; None for text, for NaN and for crossed ends."""
        return _span(self.op, self.value)

    def inside(self, value: float | str) -> bool:
        """Whether `value` keeps to the limit. NaN never does; text only equals the same text."""
        if isinstance(value, str) or isinstance(self.value, str):
            return self.op is Op.EQUALS and self.value == value
        span = self.span
        return span is not None and span[0] <= round12(value) <= span[1]

    def tighter_or_equal(self, other: Limit) -> bool:
        """Whether everything that is inside this limit is inside `other` too."""
        if isinstance(self.value, str) or isinstance(other.value, str):
            return self == other
        mine, theirs = self.span, other.span
        if mine is None or theirs is None:
            return False
        return theirs[0] <= mine[0] and mine[1] <= theirs[1]


@lru_cache(maxsize=256)
def _span(op: Op, value: float | tuple[float, float] | str | bool) -> tuple[float, float] | None:
    """Return the span of a limit; remembered, because tens of thousands of pairs may be held to one limit."""
    match value:
        case (low, high) if op is Op.BETWEEN:
            low, high = _float(low), _float(high)
        case int() | float() if op is not Op.BETWEEN:
            low = -math.inf if op is Op.AT_MOST else _float(value)
            high = math.inf if op is Op.AT_LEAST else _float(value)
        case _:
            return None
    if math.isnan(low) or math.isnan(high) or low > high or low == math.inf or high == -math.inf:
        return None
    return round12(low), round12(high)


def _float(number: float) -> float:
    """Return a number as a float; an integer that is too large for one is not a number to compare with."""
    try:
        return float(number)
    except OverflowError:
        return math.nan
