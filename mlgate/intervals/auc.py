"""The area under the ROC curve: DeLong's variance from weighted midranks, on the logit scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgate.intervals.means import ONE_ROW, moments
from mlgate.intervals.proportions import Exact, Wilson, proportion, z_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

NO_VARIANCE = 1e-18
"""A variance of an AUC below this is rounding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeLong:
    """DeLong's interval on the logit scale, which keeps to (0, 1) and is never of width zero.

    With Welch and Satterthwaite's degrees of freedom in place of the normal quantile: 10 positives say
    little about their own spread, however many negatives there are (simulated at an AUC of 0.9, 10 and
    200 rows: the lower 95 % bound is too high in 12 % of tables by the normal quantile, in 11 % by t; at 30
    and 300 rows in 8 %, at 100 and 1000 in 6 %. Few positives remain the weak side of the method).

    Where the variance is zero (perfect separation, or all scores tied) or a class has a single
    row, the interval is that of a proportion of m = min(positives, negatives) pairs. Why that is valid:
    take m disjoint positive-negative pairs; they are independent, each is worth 1, 1/2 or 0 and on
    average the AUC, so their mean varies no more than a proportion of m; and the AUC of the table is the
    average of that mean over all ways to pair, so it varies less still. For perfect separation it is
    exact: all m pairs are in order with probability at most AUC^m, which is Clopper and Pearson's bound.
    """

    auc: float
    variance_pos: float
    """What the positives add to the variance of the AUC."""
    variance_neg: float
    n_pos: float
    """Positives; Kish's n of them with weights."""
    n_neg: float

    @property
    def method(self) -> str:
        """`delong`, or the method of the pairs: `wilson pairs`, `clopper-pearson pairs`."""
        pairs = self._pairs
        return "delong" if pairs is None else f"{pairs.method} pairs"

    @property
    def value(self) -> float:
        """The AUC."""
        return self.auc

    @property
    def variance(self) -> float:
        """DeLong's variance of the AUC."""
        return self.variance_pos + self.variance_neg

    @property
    def freedom(self) -> float:
        """Welch and Satterthwaite's degrees of freedom of the variance."""
        terms = self.variance_pos**2 / (self.n_pos - 1.0) + self.variance_neg**2 / (self.n_neg - 1.0)
        return self.variance**2 / terms

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        from scipy.special import stdtrit

        pairs = self._pairs
        if pairs is not None:
            return pairs.at(confidence)
        odds = math.log(self.auc) - math.log1p(-self.auc)
        z_of(confidence)  # refuses what is no confidence
        quantile = float(stdtrit(self.freedom, (1.0 + confidence) / 2.0))
        reach = quantile * math.sqrt(self.variance) / (self.auc * (1.0 - self.auc))
        return min(_expit(odds - reach), self.auc), max(_expit(odds + reach), self.auc)

    def grown(self, factor: float) -> DeLong:
        """Return the interval of `factor` times the rows."""
        return DeLong(
            auc=self.auc,
            variance_pos=self.variance_pos / factor,
            variance_neg=self.variance_neg / factor,
            n_pos=self.n_pos * factor,
            n_neg=self.n_neg * factor,
        )

    @property
    def _pairs(self) -> Wilson | Exact | None:
        spread = self.variance > NO_VARIANCE and 0.0 < self.auc < 1.0
        if spread and min(self.n_pos, self.n_neg) > 1.0 + ONE_ROW:
            return None
        m = min(self.n_pos, self.n_neg)
        return proportion(self.auc * m, m).interval


def delong(score: ArrayLike, label: ArrayLike, w: ArrayLike, w2: ArrayLike) -> DeLong | None:
    """Return the AUC of cells with its interval; None when a class is missing or a score is NaN.

    One entry a cell: `score`, `label` (1.0 positive, 0.0 negative), and the sums of weights and of squared
    weights (both the counts without weights). Cells may repeat a score. Without weights the variance is
    exactly DeLong's (DeLong, DeLong and Clarke-Pearson 1988; midranks as in Sun and Xu 2014), ties
    counting one half; with weights it is its linearised form, which multiplying every weight leaves alone.
    """
    import numpy as np

    scores, labels = np.asarray(score, dtype=float), np.asarray(label, dtype=float)
    weight, square = np.asarray(w, dtype=float), np.asarray(w2, dtype=float)
    seen = weight > 0.0
    positive, negative = seen & (labels == 1.0), seen & (labels == 0.0)
    if np.isnan(scores[seen]).any() or not positive.any() or not negative.any():
        return None
    if not math.isfinite(float(weight[positive].sum()) + float(weight[negative].sum())):
        return None
    of_positive, of_negative = placements(scores, weight, positive, negative)
    auc, first, n_pos = _spread(of_positive, weight[positive], square[positive])
    _, second, n_neg = _spread(of_negative, weight[negative], square[negative])
    if not math.isfinite(auc):
        return None
    auc = min(max(auc, 0.0), 1.0)
    return DeLong(auc=auc, variance_pos=first, variance_neg=second, n_pos=n_pos, n_neg=n_neg)


def placements(
    score: NDArray[np.float64],
    w: NDArray[np.float64],
    positive: NDArray[np.bool_],
    negative: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each positive cell's share of negatives below it, each negative's of positives above it.

    Ties count one half. In O(cells log cells); shapes (positives,) and (negatives,), both average the AUC
    under the weights of their class.
    """
    import numpy as np

    _, rank = np.unique(score, return_inverse=True)
    size = int(rank.max()) + 1
    pos = np.bincount(rank[positive], w[positive], minlength=size)
    neg = np.bincount(rank[negative], w[negative], minlength=size)
    below = np.cumsum(neg) - neg / 2.0
    above = np.cumsum(pos[::-1])[::-1] - pos / 2.0
    return below[rank[positive]] / neg.sum(), above[rank[negative]] / pos.sum()


def _spread(
    placement: NDArray[np.float64], w: NDArray[np.float64], w2: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return the mean placement, the variance of that mean (0 where there is none), and Kish's n."""
    total = float(w.sum())
    found = moments(placement, w, w2)
    if found is None:
        inverse = float((w2 / total).sum()) / total
        return float(placement @ (w / total)), 0.0, 1.0 / inverse if inverse > 0.0 else 0.0
    return float(found.means[0]), float(found.covariance[0, 0]), found.n


def _expit(x: float) -> float:
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    return math.exp(x) / (1.0 + math.exp(x))
