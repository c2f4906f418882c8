"""Two areas under ROC curves of the same rows: DeLong's covariance, and the difference of both."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgate.intervals.auc import NO_VARIANCE, DeLong, delong, placements
from mlgate.intervals.design import ONE_ROW, covariances
from mlgate.intervals.means import moments
from mlgate.intervals.paired import together
from mlgate.intervals.proportions import CLUSTERS, Part, z_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedParts:
    """The difference a - b of two numbers with intervals of their own, over the same rows.

    Reaches as far as Student's t of the paired variance, and at least as far as MOVER does from both
    intervals and their correlation (Zou and Donner 2008): near the end of a scale, where few rows are out of
    order, a variance says too little, and the parts' own intervals know better.
    """

    a: Part
    b: Part
    variance: float
    """Of the difference."""
    correlation: float
    """Of both estimates, in [-1, 1]."""
    degrees: float
    """Degrees of freedom of the variance."""
    lowest: float = -math.inf
    highest: float = math.inf

    @property
    def method(self) -> str:
        """As the report prints it."""
        return f"{self.a.method} paired" if CLUSTERS not in self.a.method else f"delong paired, {CLUSTERS}"

    @property
    def value(self) -> float:
        """The difference."""
        return self.a.value - self.b.value

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        from scipy.special import stdtrit

        z_of(confidence)  # refuses what is no confidence
        (a_low, a_high), (b_low, b_high) = self.a.at(confidence), self.b.at(confidence)
        a, b = self.a.value, self.b.value
        reach = float(stdtrit(max(self.degrees, 1.0), (1.0 + confidence) / 2.0)) * math.sqrt(self.variance)
        below = max(together(a - a_low, b_high - b, self.correlation), reach)
        above = max(together(a_high - a, b - b_low, self.correlation), reach)
        return max(self.value - below, self.lowest), min(self.value + above, self.highest)

    def grown(self, factor: float) -> PairedParts:
        """Return the interval of `factor` times the rows."""
        return replace(
            self,
            a=self.a.grown(factor),
            b=self.b.grown(factor),
            variance=self.variance / factor,
            degrees=self.degrees * factor,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedAreas:
    """The areas under two ROC curves of the same rows, with the influence of the rows on each."""

    first: DeLong
    second: DeLong
    influence: NDArray[np.float64]
    """Shape (2, cells): derivative of each area in the weight of a row of the cell."""
    covariance: NDArray[np.float64]
    """Of both areas, shape (2, 2)."""

    @property
    def variance(self) -> float:
        """Of the difference."""
        (a, c), (_, b) = self.covariance.tolist()
        return max(float(a + b - 2.0 * c), 0.0)

    @property
    def degrees(self) -> float:
        """The fewer degrees of freedom of both; an area that does not vary has none to add."""
        varying = (one for one in (self.first, self.second) if one.variance > NO_VARIANCE)
        return min((one.freedom for one in varying), default=1.0)

    @property
    def difference(self) -> PairedParts | None:
        """The interval of first less second; None where it does not vary: both order the rows alike."""
        if not self.variance > NO_VARIANCE:
            return None
        (a, c), (_, b) = self.covariance.tolist()
        scale = math.sqrt(a * b) if a > 0.0 and b > 0.0 else 0.0
        return PairedParts(
            a=self.first,
            b=self.second,
            variance=self.variance,
            correlation=min(max(c / scale, -1.0), 1.0) if scale > NO_VARIANCE else 0.0,
            degrees=self.degrees,
            lowest=-1.0,
            highest=1.0,
        )


def paired_areas(
    first: ArrayLike,
    second: ArrayLike,
    label: ArrayLike,
    w: ArrayLike,
    w2: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
) -> PairedAreas | None:
    """Return both areas under the curve, of the scores `first` and `second` of the same rows.

    Arguments as `delong`'s. Without weights the covariance is exactly DeLong's (DeLong, DeLong and
    Clarke-Pearson 1988, by weighted midranks), else linearised; with clusters Obuchowski's (1997), and never
    less than that of independent rows. None where either area has no interval, and with a single row of a
    class, which says nothing of its spread.
    """
    import numpy as np

    labels, weight, square = (np.asarray(one, dtype=float) for one in (label, w, w2))
    scores = [np.asarray(one, dtype=float) for one in (first, second)]
    parts = [delong(one, labels, weight, square, clusters) for one in scores]
    one, other = parts
    if one is None or other is None or min(*one.told, *other.told) <= 1.0 + ONE_ROW:
        return None
    positive, negative = (weight > 0.0) & (labels == 1.0), (weight > 0.0) & (labels == 0.0)
    influence = np.zeros((2, len(weight)))
    covariance = np.zeros((2, 2))
    placed = [placements(each, weight, positive, negative) for each in scores]
    for side, mask in enumerate((positive, negative)):
        mine, total = np.stack([each[side] for each in placed]), float(weight[mask].sum())
        centre = np.array([[one.auc], [other.auc]])
        influence[:, mask] = (mine - centre) / total
        found = moments(mine, weight[mask], square[mask])
        if found is not None:
            covariance += found.covariance
    if clusters is not None:
        together = covariances(influence, weight, square, clusters)
        if not np.isfinite(together).all():
            return None
        if _of_difference(together) >= _of_difference(covariance):
            covariance = together
    return PairedAreas(first=one, second=other, influence=influence, covariance=covariance)


def _of_difference(covariance: NDArray[np.float64]) -> float:
    return float(covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1])
