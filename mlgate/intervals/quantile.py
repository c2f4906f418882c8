"""Medians and other quantiles, between two order statistics: no assumption about the distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgate.intervals.design import ONE_ROW, clustered_share
from mlgate.intervals.proportions import MIN_CLUSTERS, Clustered, z_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROUNDING = 1e-12
"""Noise of sums of weights, which must not move an order statistic by one."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OrderStatistics:
    """The interval of a quantile: two of the sorted values, by ranks of the binomial distribution.

    Of n rows the number below the true quantile is binomial, so that the r-th smallest lies above it with a
    chance that is known whatever the distribution (Thompson 1936; David and Nagaraja 2003, 7.1). At least one
    distinct value beyond the estimate is taken on either side where there is one: ties would make the
    interval a point, and rows that are equal because values were rounded do not make it certain.
    """

    value: float
    """The estimate; need not be one of the values."""
    values: NDArray[np.float64]
    """The distinct values, ascending; at least two."""
    share: NDArray[np.float64]
    """Of all weight, that of the values up to and including each."""
    level: float
    """Of the quantile, in (0, 1); 0.5 is the median."""
    n: float
    """Rows, or Kish's n."""
    lowest: float = -math.inf
    """The end of the range of the quantity, which is the bound where the rows are too few for one."""

    @property
    def method(self) -> str:
        """As the report prints it."""
        return "order-statistics"

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`; ValueError when there are too few rows for it."""
        from scipy.stats import binom

        z_of(confidence)  # refuses what is no confidence
        n = math.floor(self.n * (1.0 + ROUNDING))
        tail = (1.0 - confidence) / 2.0
        # Of the ranks from 1: the largest whose value is above the quantile with a chance of at most `tail`,
        # and the smallest whose value is below it with no more.
        low, high = int(binom.ppf(tail, n, self.level)), int(binom.isf(tail, n, self.level)) + 1
        if high > n or (low < 1 and not math.isfinite(self.lowest)):
            raise ValueError(f"{n} independent rows' worth is too few for {confidence:.3g}")
        return (self._below(low, n) if low > 0 else self.lowest), self._above(high, n)

    def grown(self, factor: float) -> OrderStatistics:
        """Return the interval of `factor` times the rows, distributed as these."""
        return replace(self, n=self.n * factor)

    def _below(self, rank: int, n: int) -> float:
        import numpy as np

        place = int(np.searchsorted(self.share, (rank - 1) / n + ROUNDING, side="right"))
        neighbour = max(int(np.searchsorted(self.values, self.value, side="left")) - 1, 0)
        return float(self.values[min(place, neighbour)])

    def _above(self, rank: int, n: int) -> float:
        import numpy as np

        last = len(self.values) - 1
        place = min(int(np.searchsorted(self.share, rank / n - ROUNDING, side="left")), last)
        neighbour = min(int(np.searchsorted(self.values, self.value, side="right")), last)
        return float(self.values[max(place, neighbour)])


def order_statistics(
    value: float,
    values: NDArray[np.float64],
    w: NDArray[np.float64],
    w2: NDArray[np.float64],
    *,
    level: float = 0.5,
    clusters: NDArray[np.int64] | None = None,
    lowest: float = -math.inf,
) -> OrderStatistics | Clustered | None:
    """Return the interval of the quantile `value` of `values`, one a cell; `w` and `w2` as in `spread`.

    With weights at Kish's n. With clusters at the effective n of the share of rows up to `value`, the
    quantity whose noise moves a quantile (Woodruff 1952). None for fewer than two distinct values, and for
    fewer than two rows' or clusters' worth of weight.
    """
    import numpy as np

    distinct, place = np.unique(values, return_inverse=True)
    upto = clustered_share(values <= value, np.ones(len(values), dtype=bool), w, w2, clusters)
    few = upto.clusters is not None and upto.clusters < MIN_CLUSTERS
    if few or len(distinct) < 2 or not 1.0 + ONE_ROW < upto.kish_n < math.inf:  # noqa: PLR2004  a width
        return None
    share = np.cumsum(np.bincount(place.ravel(), weights=w)) / upto.denominator
    part = OrderStatistics(
        value=value, values=distinct, share=share, level=level, n=upto.kish_n, lowest=lowest
    )
    if upto.clusters is None or upto.rows is None:
        return part
    return Clustered(part=part, rows=upto.rows, clusters=upto.clusters)
