"""How rows were drawn: independently, or in clusters (several rows of one patient, of one applicant).

A statistic that is a smooth function of sums over rows varies, to first order, as the sum over rows of
weight times influence, where the influence is the derivative of the statistic in the row's weight
(linearisation, Taylor series; Binder 1983, On the variances of asymptotically normal estimators from
complex surveys). Independent rows contribute each its square; of clusters the sum over the cluster is
squared, so that rows which err together count as one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgate.intervals.proportions import MIN_CLUSTERS, Proportion, proportion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

ALIKE_CLUSTERS = 2.0
"""So many clusters whose rows are wholly alike are assumed beside those that were seen.

Where few clusters hold the rarer outcome, their variance hardly knows how much alike rows are, and is mostly
too small: with 15 clusters of 20, a share of 0.95 and strong likeness, the lower bound would be too high in
40 % of tables, with 40 clusters in 13 %. With two it is in 10 % at most, at the price of an interval wider
by 5 % around one half, and by 15 % to 40 % near 0 and 1 (simulated; see the heavy tests)."""

ONE_ROW = 1e-9
"""Kish's n this near to 1 is one row, from which nothing can be learnt about spread."""


NONE = 1e-20
"""A variance of clusters that is no more than this part of that of rows is rounding. Then clusters are wholly
alike, which is judged as such: their number stands in (`share_of_variance`), or there is no interval."""


def spread(u: ArrayLike, w: ArrayLike, w2: ArrayLike, clusters: ArrayLike | None = None) -> float:
    """Return the variance of the statistic whose influence is `u`: of the sum over rows of weight times u.

    One entry a cell: `u` the influence of each row in the cell, `w` and `w2` the cell's sums of weights and
    of squared weights (both are the counts without weights), `clusters` the number of its cluster. The
    influences of a statistic sum to zero, weighted, over the table, so that nothing is centred here. Of a
    mean: (v - mean) / sum w. Unit: the statistic's, squared.

    Without clusters: n / (n - 1) times the sum of w2 u^2, with Kish's n. With clusters: C / (C - 1) times
    the sum over C clusters of (sum of w u)^2. With each row a cluster of its own and no weights, they are
    equal. With clusters it is never below sum w2 u^2, unless it is 0: that clusters happen to be more
    alike than chance is no knowledge, and whoever names them could deal out the rows so that they are. NaN
    where there are fewer than two rows' worth of weight, or fewer than two clusters with weight, and where
    anything is not finite: nothing is known then, which must not be taken for zero.
    """
    return float(covariances(u, w, w2, clusters)[0, 0])


def covariances(
    u: ArrayLike, w: ArrayLike, w2: ArrayLike, clusters: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return the covariance matrix, shape (k, k), of k statistics with influences `u`, shape (k, cells).

    Otherwise as `spread`; all NaN where that is NaN.
    """
    import numpy as np

    influence = np.atleast_2d(np.asarray(u, dtype=float))
    weight, square = np.asarray(w, dtype=float), np.asarray(w2, dtype=float)
    with np.errstate(all="ignore"):  # what overflows is not finite, which is seen below
        if clusters is None:
            scaled = influence * np.sqrt(square)
            size = float(_kish(weight, square))
            known = size > 1.0 + ONE_ROW
        else:
            scaled = _totals(influence * weight, weight, np.asarray(clusters))
            size = float(scaled.shape[1])
            known = size >= MIN_CLUSTERS
        found: NDArray[np.float64] = scaled @ scaled.T * (size / (size - 1.0)) if known else scaled @ scaled.T
        if known and clusters is not None:
            found = _as_rows_at_least(found, np.asarray((influence * influence) @ square, dtype=float))
    if not known or not math.isfinite(size) or not np.isfinite(found).all():
        return np.full((len(influence), len(influence)), math.nan)
    return found


def _as_rows_at_least(found: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Raise the variances of clusters to those of independent rows, `rows`; what is none stays none."""
    import numpy as np

    mine = found.diagonal()
    missing = np.where(mine > NONE * rows, np.maximum(rows - mine, 0.0), 0.0)
    raised: NDArray[np.float64] = found + np.diag(missing)
    return raised


def clustered_share(
    hits: ArrayLike, among: ArrayLike, w: ArrayLike, w2: ArrayLike, clusters: ArrayLike | None
) -> Proportion:
    """Return the share of the cells `among` that are `hits`, allowing for clusters.

    Both are boolean, one a cell; the rest as in `spread`. The effective n is Kish's n over the design
    effect: the clustered variance of the ratio over p (1 - p) / n, and never below 1, because that clusters
    happen to be more alike than chance is no knowledge. Clusters are those with rows in the denominator. The
    interval then corrects for their number (`Clustered`, Korn and Graubard 1998).

    Where none or all hit, the variance is 0 and tells nothing of how much alike the rows of a cluster are.
    They may be wholly alike, so each cluster counts as one row: n is Kish's n of the clusters' weights,
    which is their number when they weigh the same. In between, the design effect is the mean of what was
    seen, weighted by how many clusters hold the rarer outcome, and of that worst one, see `ALIKE_CLUSTERS`.

    Fewer than two clusters: a value and no interval. Without `clusters` (None) it is `proportion`.
    """
    import numpy as np

    inside = np.asarray(among, dtype=bool)
    hit = np.asarray(hits, dtype=bool) & inside
    weight, square = np.asarray(w, dtype=float), np.asarray(w2, dtype=float)
    plain = proportion(
        float(weight[hit].sum()), float(weight[inside].sum()), w2_sum=float(square[inside].sum())
    )
    share = plain.value
    if clusters is None or share is None:
        return plain
    whole = plain.denominator  # shares of it do not overflow when they are squared
    code, weight, square = (
        np.asarray(clusters)[inside],
        weight[inside] / whole,
        square[inside] / whole / whole,
    )
    variance = spread(hit[inside] - share, weight, square, code)
    behind = rows_behind(weight, square, code)
    found = share_of_variance(share, variance, behind, least=share * (1.0 - share) / behind.rows)
    seen = _holding(hit[inside], weight, code)
    worst = behind.rows / behind.least
    effect = behind.rows / found.kish_n
    mixed = (seen * effect + ALIKE_CLUSTERS * worst) / (seen + ALIKE_CLUSTERS)
    n = behind.rows / max(effect, mixed)
    return replace(found, numerator=plain.numerator, denominator=whole, kish_n=n)


def _holding(hit: NDArray[np.bool_], w: NDArray[np.float64], clusters: NDArray[np.int64]) -> int:
    """Return how many clusters hold the outcome that fewer of them hold."""
    import numpy as np

    counted = w > 0.0
    return min(len(np.unique(clusters[counted & one])) for one in (hit, ~hit))


@dataclass(frozen=True, kw_only=True, slots=True)
class Behind:
    """How much stands behind a number."""

    rows: float
    """Kish's n; the rows when there are no weights."""
    least: float
    """As many independent rows as there are at least: Kish's n of the clusters' weights, or `rows`."""
    clusters: float | None
    """How many; None without clusters."""

    @property
    def degrees(self) -> float:
        """What a variance was learnt from: the clusters, or the rows."""
        return self.rows if self.clusters is None else self.clusters


def rows_behind(w: ArrayLike, w2: ArrayLike, clusters: ArrayLike | None = None) -> Behind:
    """Return how much stands behind cells; arguments as in `spread`."""
    import numpy as np

    weight, square = np.asarray(w, dtype=float), np.asarray(w2, dtype=float)
    rows = _kish(weight, square)
    if clusters is None:
        return Behind(rows=rows, least=rows, clusters=None)
    totals = _totals(weight[None, :], weight, np.asarray(clusters))[0]
    return Behind(rows=rows, least=min(_kish(totals, totals**2), rows), clusters=float(len(totals)))


def share_of_variance(value: float, variance: float, behind: Behind, *, least: float = 0.0) -> Proportion:
    """Return a quantity in [0, 1] as a proportion of so many rows that it has this variance.

    The effective n is value (1 - value) / variance, as with the design effect of a survey. `least` is a
    variance that it has at any rate, whatever was estimated. Where no variance is seen, the rows that it
    rests on stand in: at 0 and 1 `behind.least` of them, since rows of a cluster may be wholly alike.
    """
    seen = max(variance, least)
    n = behind.rows
    if not 0.0 < value < 1.0:
        n = behind.least
    elif seen > 0.0:
        n = value * (1.0 - value) / seen
    return Proportion(numerator=value, denominator=1.0, kish_n=n, clusters=behind.clusters, rows=behind.rows)


def _totals(
    values: NDArray[np.float64], w: NDArray[np.float64], clusters: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sum `values`, shape (k, cells), over each cluster that weighs something; shape (k, clusters)."""
    import numpy as np

    counted = w > 0.0
    _, place = np.unique(clusters[counted], return_inverse=True)
    size = int(place.max()) + 1 if len(place) else 0
    found = np.zeros((len(values), size))
    for row, mine in zip(found, values[:, counted], strict=True):
        row[:] = np.bincount(place, mine, minlength=size)
    return found


def _kish(w: NDArray[np.float64], w2: NDArray[np.float64]) -> float:
    """Return how many equally weighted ones would tell as much: (sum w)^2 / sum w^2; 0 without weight."""
    total = float(w.sum())
    inverse = float((w2 / total).sum()) / total if total > 0.0 else math.inf
    return 1.0 / inverse if inverse > 0.0 else 0.0
