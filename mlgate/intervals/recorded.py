"""An interval that an earlier report recorded at one confidence."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mlgate.intervals.proportions import z_of


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedPart:
    """A value with the bounds that it had at one confidence, moved to another by normal quantiles.

    Each bound's distance from the value is scaled by the ratio of the quantiles, which is what the distances
    of a normal estimate do; of other methods only the bounds at the confidence that was recorded are exact.
    """

    value: float
    low: float
    """Lower bound, at most the value."""
    high: float
    confidence: float
    """Of the two bounds together, in (0, 1)."""

    @property
    def method(self) -> str:
        """As the report prints it."""
        return "recorded"

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        scale = z_of(confidence) / z_of(self.confidence)
        return self.value - scale * (self.value - self.low), self.value + scale * (self.high - self.value)

    def grown(self, factor: float) -> RecordedPart:
        """Return the interval of `factor` times the rows."""
        closer = 1.0 / math.sqrt(factor)
        return replace(
            self,
            low=self.value - closer * (self.value - self.low),
            high=self.value + closer * (self.high - self.value),
        )
