"""How rows were drawn: independently, or in clusters (several rows of one patient, of one applicant).

A statistic that is a smooth function of sums over rows varies, to first order, as the sum over rows of
weight times influence, where the influence is the derivative of the statistic in the row's weight
(linearisation, Taylor series; Binder 1983, On the variances of asymptotically normal estimators from
complex surveys). Independent rows contribute each its square; of clusters the sum over the cluster is
squared, so that rows which err together count as one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mlgate.intervals.proportions import MIN_CLUSTERS, Proportion, proportion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

ONE_ROW = 1e-9
"""Kish's n this near to 1 is one row, from which nothing can be learnt about spread."""


def spread(u: ArrayLike, w: ArrayLike, w2: ArrayLike, clusters: ArrayLike | None = None) -> float:
    """Return the variance of the statistic whose influence is `u`: of the sum over rows of weight times u.

    One entry a cell: `u` the influence of each row in the cell, `w` and `w2` the cell's sums of weights and
    of squared weights (both are the counts without weights), `clusters` the number of its cluster. The
    influences of a statistic sum to zero, weighted, over the table, so that nothing is centred here. Of a
    mean: (v - mean) / sum w. Unit: the statistic's, squared.

    Without clusters: n / (n - 1) times the sum of w2 u^2, with Kish's n. With clusters: C / (C - 1) times
    the sum over C clusters of (sum of w u)^2. With each row a cluster of its own and no weights, they are
    equal. NaN where there are fewer than two rows' worth of weight, or fewer than two clusters with weight,
    and where anything is not finite: nothing is known then, which must not be taken for zero.
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
    if not known or not math.isfinite(size) or not np.isfinite(found).all():
        return np.full((len(influence), len(influence)), math.nan)
    return found


def clustered_share(
    hits: ArrayLike, among: ArrayLike, w: ArrayLike, w2: ArrayLike, clusters: ArrayLike | None
) -> Proportion:
    """Return the share of the cells `among` that are `hits`, both boolean and one a cell, allowing for clusters.

    Its effective n is p (1 - p) / variance, with the clustered variance of the ratio, and never above
    Kish's n: that clusters happen to be more alike than chance is no knowledge. Clusters are those with
    rows in the denominator. The interval then corrects for their number (`Clustered`, Korn and Graubard 1998).

    Where none or all hit, the variance is 0 and tells nothing of how much alike the rows of a cluster are.
    They may be wholly alike, so each cluster counts as one row: n is Kish's n of the clusters' weights,
    which is their number when they weigh the same.

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
    code, weight, square = np.asarray(clusters)[inside], weight[inside], square[inside]
    totals = _totals(weight[None, :], weight, code)[0]
    n = _kish(totals, totals**2)
    if 0.0 < plain.numerator < plain.denominator:
        influence = (hit[inside] - share) / plain.denominator
        variance = spread(influence, weight, square, code)
        n = share * (1.0 - share) / variance if variance > 0.0 else math.inf
    return Proportion(
        numerator=plain.numerator,
        denominator=plain.denominator,
        kish_n=min(n, plain.kish_n),
        clusters=float(len(totals)),
        rows=plain.kish_n,
    )


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
