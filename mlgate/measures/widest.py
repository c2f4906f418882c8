"""The largest gap between any two of several groups, as one part with bounds of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgate.intervals import Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Widest:
    """The difference of the largest and the smallest of several independent numbers.

    Upper bound: the largest that any pair reaches, uncorrected; that all pairs are inside is an
    intersection-union claim. Lower bound: the largest that any pair keeps to at a confidence that is raised
    for the number of pairs (Bonferroni), because the pair with the largest estimate was picked by looking.
    """

    parts: tuple[Part, ...]
    """At least two."""

    @property
    def method(self) -> str:
        """As the report prints it."""
        return "mover, widest pair"

    @property
    def value(self) -> float:
        """Largest minus smallest."""
        values = [part.value for part in self.parts]
        return max(values) - min(values)

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`; the lower one at least 0."""
        pairs = len(self.parts) * (len(self.parts) - 1) / 2
        low, _ = gaps(self.parts, 1.0 - (1.0 - confidence) / pairs)
        _, high = gaps(self.parts, confidence)
        return min(max(float(low.max()), 0.0), self.value), float(high.max())

    def grown(self, factor: float) -> Widest:
        """Return the interval of `factor` times the rows in every group."""
        return Widest(tuple(part.grown(factor) for part in self.parts))


def gaps(parts: Sequence[Part], confidence: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the bounds of |a - b| for every two parts, as `intervals.Gap` has them; shape (pairs,) each.

    In the order of `itertools.combinations`.
    """
    import numpy as np

    value = np.array([part.value for part in parts])
    bounds = np.array([part.at(confidence) for part in parts])
    below, above = value - bounds[:, 0], bounds[:, 1] - value
    first, second = np.triu_indices(len(parts), 1)
    first, second = (
        np.where(value[first] >= value[second], first, second),
        np.where(value[first] >= value[second], second, first),
    )
    apart = value[first] - value[second]
    low = apart - np.hypot(below[first], above[second])
    high = apart + np.hypot(above[first], below[second])
    return low, np.maximum(high, -low)
