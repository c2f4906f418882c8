"""Wilson's interval for any number in [0, 1]: at the n at which a proportion would vary as much."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mlgate.intervals import Wilson
from mlgate.intervals.proportions import z_of

ROUNDING = 1e-12
"""Relative noise of sums of weights, which must not decide whether anything varies or a cut is reached."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Effective:
    """Wilson's interval of a number in [0, 1], at the n at which a proportion would vary as much."""

    value: float
    centre: float
    """The estimate less its bias."""
    n: float
    """The effective n."""
    degrees: float
    """Degrees of freedom that this n was learnt with, Student's quantile at which takes the normal one's
    place (Korn and Graubard 1998)."""
    method: str

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`; the estimate is always inside."""
        n = self.n * self._told(confidence)
        low, high = Wilson(self.centre * n, n).at(confidence)
        return min(low, self.value), max(high, self.value)

    def grown(self, factor: float) -> Effective:
        """Return the interval of `factor` times the rows."""
        return replace(self, n=self.n * factor, degrees=self.degrees * factor)

    def _told(self, confidence: float) -> float:
        """Return the squared ratio of the normal quantile to Student's, in (0, 1]."""
        from scipy.special import stdtrit

        z = z_of(confidence)
        if not z > 0.0:
            return 1.0
        return min((z / float(stdtrit(self.degrees, (1.0 + confidence) / 2.0))) ** 2, 1.0)


def effective(
    value: float,
    variance: float,
    *,
    least: float,
    method: str,
    bias: float = 0.0,
    degrees: float = math.inf,
) -> Effective | None:
    """Return Wilson's interval of `value` in [0, 1] whose estimate has `variance` and `bias`.

    The effective n is value (1 - value) / variance, as with the design effect of a survey. Where either
    vanishes (every positive came first, or none did), but for the rounding of sums of weights, `least`
    stands in: the number of rows that at least told it. None where the variance is not known (NaN).
    """
    if math.isnan(variance):
        return None
    value = min(max(float(value), 0.0), 1.0)
    spread = value * (1.0 - value)
    told = spread > ROUNDING and variance * least > ROUNDING * spread
    n = spread / variance if told else least
    centre = min(max(value - bias, 0.0), 1.0)
    return Effective(value=value, centre=centre, n=n, degrees=max(degrees, 1.0), method=method)
