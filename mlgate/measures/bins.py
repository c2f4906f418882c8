"""Scores in bins, what happened in each, and how far a binned calibration error can be trusted.

The intervals take the scores, and so the bins, as given: what is random is which rows turned out positive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from mlgate.cells import Cells
from mlgate.estimates import Chart
from mlgate.intervals import Wilson
from mlgate.intervals.proportions import z_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Binning: TypeAlias = Literal["equal_width", "equal_mass"]
"""Whether bins are equally wide or hold equally much weight."""

ROUNDING = 1e-9
"""The middle of a score's rows that lies so close below the edge of a bin, in rows, lies on it."""

LEAST_CONFIDENCE = 1e-6
"""Below this bounds stay as they are there; it keeps reach / z defined."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """Rows with scores near each other."""

    low: float
    """Lowest score in it."""
    high: float
    """Highest score in it."""
    rows: int
    weight: float
    """Its share of all weight, in (0, 1]."""
    promised: float
    """Mean score."""
    observed: Wilson
    """Share of positives, at Kish's n."""

    @property
    def gap(self) -> float:
        """Distance of what happened from what was promised."""
        return abs(self.observed.value - self.promised)

    def reach(self, confidence: float) -> float:
        """Return how far the share may be from the true one, on the side where that is more."""
        low, high = self.observed.at(confidence)
        return max(high - self.observed.value, self.observed.value - low)

    def grown(self, factor: float) -> Bin:
        """Return the bin with `factor` times the rows."""
        return replace(self, observed=self.observed.grown(factor))


def reliability(cells: Cells, binning: Binning, n_bins: int) -> tuple[Bin, ...]:
    """Return the bins that hold rows, lowest scores first. Scores lie in [0, 1]; every cell weighs something.

    equal_width: [0, 1 / n), [1 / n, 2 / n), ..., [1 - 1 / n, 1]. equal_mass: each distinct score goes whole
    into the bin that holds the middle of its rows when all are lined up by score; without ties and weights
    these are the parts of `numpy.array_split`.
    """
    import numpy as np

    score = cells.roles["score"]
    if binning == "equal_width":
        place = np.searchsorted(np.arange(1, n_bins) / n_bins, score, side="right")
    else:
        place = _by_mass(cells, n_bins)
    return tuple(_bin(cells.take(place == one), float(cells.w.sum())) for one in np.unique(place))


def chart(bins: tuple[Bin, ...]) -> Chart:
    """Return a reliability diagram's data: one point a bin."""
    return Chart(
        kind="reliability",
        title="Share of positives against mean score",
        data={
            "low": tuple(one.low for one in bins),
            "high": tuple(one.high for one in bins),
            "rows": tuple(float(one.rows) for one in bins),
            "mean_score": tuple(one.promised for one in bins),
            "observed": tuple(one.observed.value for one in bins),
        },
    )


@dataclass(frozen=True, slots=True)
class AverageGap:
    """Mean gap of the bins by weight, the expected calibration error, with bounds that cover.

    With true gaps d and observed gaps e, sum |d| - sum |e| <= sum s (d - e) for the signs s of d: a sum of
    independent parts of which each errs to both sides. So MOVER's upper bound holds although |e| is too
    large on average. And sum |e| - sum |d| <= sum |e - d|, the bins' noise without its sign: the lower
    bound takes off the quantile of that sum of half-normal parts, by a gamma distribution of the same mean
    and variance.
    """

    bins: tuple[Bin, ...]

    @property
    def method(self) -> str:
        """As the report prints it."""
        return "mover bins"

    @property
    def value(self) -> float:
        """The mean gap."""
        return math.fsum(one.weight * one.gap for one in self.bins)

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        from scipy.special import gammaincinv

        level = max(confidence, LEAST_CONFIDENCE)
        reaches = [one.weight * one.reach(level) for one in self.bins]
        z = z_of(level)
        mean = math.fsum(reaches) / z * math.sqrt(2.0 / math.pi)
        variance = math.fsum(reach * reach for reach in reaches) / (z * z) * (1.0 - 2.0 / math.pi)
        shape, scale = mean * mean / variance, variance / mean
        noise = float(gammaincinv(shape, (1.0 + confidence) / 2.0)) * scale
        return max(self.value - noise, 0.0), min(self.value + math.hypot(*reaches), 1.0)

    def grown(self, factor: float) -> AverageGap:
        """Return the interval of `factor` times the rows in every bin."""
        return AverageGap(tuple(one.grown(factor) for one in self.bins))


@dataclass(frozen=True, slots=True)
class LargestGap:
    """The largest gap of a bin, the maximum calibration error.

    It is at most L only if every bin's is, and the bin where it truly lies is one of them: the upper bound
    is the largest of the bins' own. Some bin is past L if one is, and any of them may look it by chance, to
    either side: the lower bound is the largest of the bins' own at Bonferroni's level for both sides of all.
    """

    bins: tuple[Bin, ...]

    @property
    def method(self) -> str:
        """As the report prints it."""
        return "wilson bins"

    @property
    def value(self) -> float:
        """The largest gap."""
        return max(one.gap for one in self.bins)

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        strict = 1.0 - (1.0 - confidence) / (2 * len(self.bins))
        return (
            max(0.0, *(_gaps(one, strict)[0] for one in self.bins)),
            max(_gaps(one, confidence)[1] for one in self.bins),
        )

    def grown(self, factor: float) -> LargestGap:
        """Return the interval of `factor` times the rows in every bin."""
        return LargestGap(tuple(one.grown(factor) for one in self.bins))


def _gaps(of: Bin, confidence: float) -> tuple[float, float]:
    """Return the smallest and largest gap that the share's interval allows."""
    low, high = of.observed.at(confidence)
    return max(low - of.promised, of.promised - high), max(high - of.promised, of.promised - low)


def _by_mass(cells: Cells, n_bins: int) -> NDArray[np.int64]:
    import numpy as np

    _, rank = np.unique(cells.roles["score"], return_inverse=True)
    mass = np.bincount(rank, weights=cells.w)
    middle = (np.cumsum(mass) - mass / 2.0) / mass.sum()
    sizes = [cells.rows // n_bins + (one < cells.rows % n_bins) for one in range(n_bins - 1)]
    edges = np.cumsum(sizes) / cells.rows
    place: NDArray[np.int64] = np.searchsorted(edges, middle + ROUNDING / cells.rows, side="right")
    return place[rank]


def _bin(cells: Cells, total: float) -> Bin:
    weight = float(cells.w.sum())
    score, label = cells.roles["score"], cells.roles["label"]
    kish = weight * (weight / float(cells.w2.sum()))
    return Bin(
        low=float(score.min()),
        high=float(score.max()),
        rows=cells.rows,
        weight=weight / total,
        promised=float(cells.w @ score) / weight,
        observed=Wilson(float(cells.w @ label) / weight * kish, kish),
    )
