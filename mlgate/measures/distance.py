"""The interval of the absolute value of a signed quantity."""

from __future__ import annotations

from dataclasses import dataclass

from mlgate.estimates import Interval


@dataclass(frozen=True, slots=True)
class Distance:
    """The absolute value of a signed quantity, for claims like "observed and expected are 0.05 apart".

    The lower bound is that of the quantity taken with the sign of its estimate (it may be negative); the
    upper bound is how far the quantity may reach on either side of zero.
    """

    signed: Interval
    below: bool
    """Whether the estimate is negative."""

    @property
    def method(self) -> str:
        """That of the signed quantity."""
        return self.signed.method

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        low, high = self.signed.at(confidence)
        if self.below:
            low, high = -high, -low
        return low, max(high, -low)

    def grown(self, factor: float) -> Distance:
        """Return the interval of `factor` times the rows."""
        return Distance(self.signed.grown(factor), self.below)
