"""The closed set of comparators, on numbers rounded to 12 significant digits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

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
        match self.op:
            case Op.BETWEEN if isinstance(self.value, tuple):
                return f"between {self.value[0]:g} and {self.value[1]:g}"
            case Op.HOLDS:
                return "true" if self.value else "false"
            case _:
                shown = f"{self.value:g}" if isinstance(self.value, (int, float)) else repr(self.value)
                return f"{self.op.value.replace('_', ' ')} {shown}"

    @property
    def span(self) -> tuple[float, float] | None:
        """Lowest and highest number inside, rounded; None for text, for NaN and for crossed ends."""
        match self.value:
            case (low, high) if self.op is Op.BETWEEN:
                low, high = float(low), float(high)
            case int() | float() if self.op is not Op.BETWEEN:
                low = -math.inf if self.op is Op.AT_MOST else float(self.value)
                high = math.inf if self.op is Op.AT_LEAST else float(self.value)
            case _:
                return None
        if math.isnan(low) or math.isnan(high) or low > high or low == math.inf or high == -math.inf:
            return None
        return round12(low), round12(high)

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
