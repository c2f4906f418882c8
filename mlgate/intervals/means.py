"""Means of losses and errors, and smooth functions of means, from moments of cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from mlgate.intervals.combined import Mapped
from mlgate.intervals.design import ONE_ROW, covariances, rows_behind
from mlgate.intervals.proportions import CLUSTERS, proportion, z_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Student:
    """Student's t interval around an estimate with a known standard error, cut to the value's range."""

    value: float
    variance: float
    """Of the estimate; above 0."""
    n: float
    """Rows, or Kish's n, or that of the clusters; n - 1 degrees of freedom."""
    method: str = "t"
    """`t` for a mean, `delta` for a function of means; `, clusters` behind it where they are allowed for."""
    lowest: float = -math.inf
    highest: float = math.inf

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        from scipy.special import stdtrit

        z_of(confidence)  # refuses what is no confidence
        reach = float(stdtrit(self.n - 1.0, (1.0 + confidence) / 2.0)) * math.sqrt(self.variance)
        return max(self.value - reach, self.lowest), min(self.value + reach, self.highest)

    def grown(self, factor: float) -> Student:
        """Return the interval of `factor` times the rows."""
        return replace(self, variance=self.variance / factor, n=self.n * factor)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moments:
    """Weighted means of k quantities over the same rows, and how uncertain they are together."""

    means: NDArray[np.float64]
    """Shape (k,)."""
    covariance: NDArray[np.float64]
    """Covariance of the means (not of the rows), shape (k, k)."""
    n: float
    """Kish's n: the rows without weights; with clusters that of theirs, their number where they weigh the
    same."""


def moments(
    values: ArrayLike, w: ArrayLike, w2: ArrayLike, clusters: ArrayLike | None = None
) -> Moments | None:
    """Return the weighted means of `values` over cells, and the covariance of those means.

    `values` has shape (k, cells) or (cells,), `w` and `w2` are the sums of weights and of squared weights
    of each cell (both are the counts without weights), `clusters` the number of each cell's cluster. The
    covariance is the linearised one of a ratio, sum w2 (v - m)(v - m)' / W^2, times n / (n - 1) with Kish's
    n, which makes it the unbiased variance of a mean without weights; with clusters, sums over each cluster
    take the place of rows (`covariances`). Multiplying every weight by 7 changes nothing. None for fewer
    than two rows' or clusters' worth of weight, and when anything is not finite.
    """
    import numpy as np

    rows = np.atleast_2d(np.asarray(values, dtype=float))
    weight, square = np.asarray(w, dtype=float), np.asarray(w2, dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not finite, which is seen below
        total = float(weight.sum())
        if not 0.0 < total < math.inf or not np.isfinite(rows).all():
            return None
        share, square = weight / total, square / total / total
        n = rows_behind(share, square, clusters).least
        if not 1.0 + ONE_ROW < n < math.inf:
            return None
        means = rows @ share
        found = covariances(rows - means[:, None], share, square, clusters)
    return Moments(means=means, covariance=found, n=n) if np.isfinite(found).all() else None


def moments_of_sums(
    first: ArrayLike,
    second: ArrayLike,
    squares: ArrayLike,
    w: ArrayLike,
    w2: ArrayLike,
    *,
    alike: ArrayLike,
) -> Moments | None:
    """Return the weighted mean of a quantity q that differs within cells; `moments` is for one that does not.

    One entry a cell: `first`, `second` and `squares` are the sums over its rows of weight times q, of squared
    weight times q, and of squared weight times q^2; `w` and `w2` as in `moments`; `alike` says where q is the
    same in all rows of the cell, so that rounding does not pass for spread. Rows are independent.
    """
    import numpy as np

    weight, square = np.asarray(w, dtype=float), np.asarray(w2, dtype=float)
    sums, doubled, squared = (np.asarray(one, dtype=float) for one in (first, second, squares))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # as in `moments`
        total = float(weight.sum())
        if not 0.0 < total < math.inf:
            return None
        n = rows_behind(weight / total, square / total / total).least
        if not 1.0 + ONE_ROW < n < math.inf:
            return None
        mean = float(sums.sum()) / total
        middle = np.divide(doubled, square, out=np.zeros_like(doubled), where=square > 0.0)
        within = np.where(np.asarray(alike, dtype=bool), 0.0, np.maximum(squared - doubled * middle, 0.0))
        spread = (square * (middle - mean) ** 2 + within) / total / total
        variance = float(spread.sum()) * n / (n - 1.0)
    if not (math.isfinite(mean) and math.isfinite(variance)):
        return None
    return Moments(means=np.array([mean]), covariance=np.array([[variance]]), n=n)


def mean_of(
    values: ArrayLike,
    w: ArrayLike,
    w2: ArrayLike,
    *,
    lowest: float = -math.inf,
    highest: float = math.inf,
    clusters: ArrayLike | None = None,
) -> Student | Mapped | None:
    """Return the t interval of the weighted mean of `values`, one a cell; see `moments`.

    `lowest` and `highest` are the range of the quantity (0 and 1 for a squared error of probabilities);
    bounds are cut to it. Where all values are equal there is no variance to go by: in a finite range the
    interval is then that of a proportion, which no quantity in the range can vary more than; without one
    there is None.
    """
    found = moments(values, w, w2, clusters)
    return None if found is None else mean_interval(found, lowest, highest, clustered=clusters is not None)


def mean_interval(
    found: Moments, lowest: float = -math.inf, highest: float = math.inf, *, clustered: bool = False
) -> Student | Mapped | None:
    """Return the t interval of the first mean in `found`; see `mean_of`."""
    mean, variance = float(found.means[0]), float(found.covariance[0, 0])
    if _vanishes(variance, mean):
        return _bounded(mean, found.n, lowest, highest)
    method = f"t, {CLUSTERS}" if clustered else "t"
    return Student(value=mean, variance=variance, n=found.n, method=method, lowest=lowest, highest=highest)


def function_of_means(
    value: float,
    gradient: Sequence[float],
    covariance: ArrayLike,
    n: float,
    *,
    lowest: float = -math.inf,
    highest: float = math.inf,
) -> Student | None:
    """Return the delta-method interval of a smooth function of means.

    `gradient` has one derivative a mean, taken at the means; `covariance` and `n` are those of `moments`.
    None when the variance vanishes or anything is not finite.
    """
    import numpy as np

    slope = np.asarray(gradient, dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not finite, which is seen below
        variance = float(slope @ np.asarray(covariance, dtype=float) @ slope)
    if not (math.isfinite(variance) and math.isfinite(value) and 1.0 < n < math.inf):
        return None
    if _vanishes(variance, value):
        return None
    return Student(value=value, variance=variance, n=n, method="delta", lowest=lowest, highest=highest)


def _vanishes(variance: float, value: float) -> bool:
    """Whether the standard error is no more than the rounding of the value itself."""
    return not math.sqrt(max(variance, 0.0)) > 1e-13 * abs(value)


def _bounded(mean: float, n: float, lowest: float, highest: float) -> Mapped | None:
    width = highest - lowest
    if not (math.isfinite(width) and width > 0.0 and lowest <= mean <= highest):
        return None
    part = proportion((mean - lowest) / width * n, n).interval
    return None if part is None else Mapped(part, _stretch(lowest, width))


def _stretch(lowest: float, width: float) -> Callable[[float], float]:
    return partial(_line, lowest, width)


def _line(lowest: float, width: float, share: float) -> float:
    return lowest + width * share
