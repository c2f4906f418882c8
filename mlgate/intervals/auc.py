"""The area under the ROC curve: DeLong's variance from weighted midranks, on the logit scale."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgate.intervals.design import ONE_ROW, rows_behind
from mlgate.intervals.means import moments
from mlgate.intervals.proportions import CLUSTERS, MIN_CLUSTERS, Part, proportion, z_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

NO_VARIANCE = 1e-18
"""A variance of an AUC below this is rounding."""

SETTLED = 3.0
"""So many rows of the smaller class out of order say as much about the spread as a model of it does."""

HALVINGS = 60
"""Steps that bring a root in [0, 1] to the last digit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Together:
    """What rows that belong together do to the interval of an AUC."""

    covariance: float
    """What a cluster's positives and negatives add to the variance together: twice their covariance."""
    alike: float
    """Design effect: the variance with clusters over that of as many independent rows, at least 1."""
    n_pos: float
    """Kish's n of the clusters that hold positives; their number where they weigh the same."""
    n_neg: float
    n_all: float
    """Kish's n of all clusters."""

    def grown(self, factor: float) -> Together:
        """Return the same for `factor` times the clusters, each as large as now."""
        return replace(
            self,
            covariance=self.covariance / factor,
            n_pos=self.n_pos * factor,
            n_neg=self.n_neg * factor,
            n_all=self.n_all * factor,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DeLong:
    """DeLong's interval on the logit scale, which keeps to (0, 1) and is never of width zero.

    With Welch and Satterthwaite's degrees of freedom in place of the normal quantile: 10 positives say
    little about their own spread, however many negatives there are. Near separation that is not enough,
    since the few rows that are out of order are all that the variance is learnt from: at an AUC of 0.95
    with 30 positives and 300 negatives the lower 95 % bound was too high in 10 % of simulated tables, with
    10 and 200 in 15 %, with positives twice as spread out in 24 %. So where few are out of order
    (e = min(positives, negatives) min(AUC, 1 - AUC)), the bounds move towards those of Newcombe's method 5
    (2006, Confidence intervals for an effect size measure based on the Mann-Whitney statistic, part 2), who
    takes Hanley and McNeil's variance at the bound itself, by the share 3 / (3 + e), and only outwards.
    The same tables are then missed in 1, 0 and 0 %, the worst seen in 9 % (10 and 200 at 0.9, positives
    twice as spread out; 17 % before), and at an AUC of 0.95 from 1000 rows of each class the interval is
    1 % wider, with more rows DeLong's alone.

    Where the variance is zero (perfect separation, or all scores tied) or a class has a single
    row, the interval is that of a proportion of m = min(positives, negatives) pairs. Why that is valid:
    take m disjoint positive-negative pairs; they are independent, each is worth 1, 1/2 or 0 and on
    average the AUC, so their mean varies no more than a proportion of m; and the AUC of the table is the
    average of that mean over all ways to pair, so it varies less still. For perfect separation it is
    exact: all m pairs are in order with probability at most AUC^m, which is Clopper and Pearson's bound.
    With clusters a pair is made of two of them, so that there are at most half as many pairs as clusters.
    """

    auc: float
    variance_pos: float
    """What the positives add to the variance of the AUC."""
    variance_neg: float
    n_pos: float
    """Positives; Kish's n of them with weights."""
    n_neg: float
    together: Together | None = None
    """None where rows are independent."""

    @property
    def method(self) -> str:
        """`delong`, or the method of the pairs: `wilson pairs`, `clopper-pearson pairs`."""
        pairs = self._pairs
        ending = "" if self.together is None else f", {CLUSTERS}"
        return ("delong" if pairs is None else f"{pairs.method} pairs") + ending

    @property
    def value(self) -> float:
        """The AUC."""
        return self.auc

    @property
    def variance(self) -> float:
        """DeLong's variance of the AUC; with clusters Obuchowski's."""
        shared = 0.0 if self.together is None else self.together.covariance
        return self.variance_pos + self.variance_neg + shared

    @property
    def freedom(self) -> float:
        """Welch and Satterthwaite's degrees of freedom of the variance; at most the clusters less one."""
        first, second = self.told
        terms = self.variance_pos**2 / (first - 1.0) + self.variance_neg**2 / (second - 1.0)
        found = (self.variance_pos + self.variance_neg) ** 2 / terms
        return found if self.together is None else min(found, self.together.n_all - 1.0)

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        from scipy.special import stdtrit

        pairs = self._pairs
        if pairs is not None:
            return pairs.at(confidence)
        odds = math.log(self.auc) - math.log1p(-self.auc)
        z = z_of(confidence)
        quantile = float(stdtrit(self.freedom, (1.0 + confidence) / 2.0))
        reach = quantile * math.sqrt(self.variance) / (self.auc * (1.0 - self.auc))
        low, high = min(_expit(odds - reach), self.auc), max(_expit(odds + reach), self.auc)
        share = SETTLED / (SETTLED + self._disordered)
        modelled = self._modelled(z)
        return (
            low + share * min(modelled[0] - low, 0.0),
            high + share * max(modelled[1] - high, 0.0),
        )

    def grown(self, factor: float) -> DeLong:
        """Return the interval of `factor` times the rows."""
        return DeLong(
            auc=self.auc,
            variance_pos=self.variance_pos / factor,
            variance_neg=self.variance_neg / factor,
            n_pos=self.n_pos * factor,
            n_neg=self.n_neg * factor,
            together=None if self.together is None else self.together.grown(factor),
        )

    @property
    def _pairs(self) -> Part | None:
        spread = self.variance > NO_VARIANCE and 0.0 < self.auc < 1.0
        m = min(self.told)
        if spread and m > 1.0 + ONE_ROW and self._more_than_one:
            return None
        if self.together is not None:
            m = min(m, self.together.n_all / 2.0)
        return proportion(self.auc * m, m).interval

    @property
    def told(self) -> tuple[float, float]:
        """How many independent ones each class's variance was learnt from."""
        if self.together is None:
            return self.n_pos, self.n_neg
        return self.together.n_pos, self.together.n_neg

    @property
    def _more_than_one(self) -> bool:
        return self.together is None or self.together.n_all > 1.0 + ONE_ROW

    @property
    def _sizes(self) -> tuple[float, float]:
        """How many independent positives and negatives would vary as much."""
        alike = 1.0 if self.together is None else self.together.alike
        return self.n_pos / alike, self.n_neg / alike

    @property
    def _disordered(self) -> float:
        """How many rows of the smaller class are out of order, as it were."""
        return min(self._sizes) * min(self.auc, 1.0 - self.auc)

    def _modelled(self, z: float) -> tuple[float, float]:
        """Return Newcombe's bounds: the values from which the AUC lies z of their standard errors away."""

        def near(value: float) -> bool:
            return abs(self.auc - value) <= z * math.sqrt(_modelled_variance(value, *self._sizes))

        found = []
        for end in (0.0, 1.0):
            outside, inside = end, self.auc
            for _ in range(HALVINGS):
                middle = (outside + inside) / 2.0
                outside, inside = (outside, middle) if near(middle) else (middle, inside)
            found.append(inside)
        return found[0], found[1]


def delong(
    score: ArrayLike, label: ArrayLike, w: ArrayLike, w2: ArrayLike, clusters: ArrayLike | None = None
) -> DeLong | None:
    """Return the AUC of cells with its interval; None when a class is missing or a score is NaN.

    One entry a cell: `score`, `label` (1.0 positive, 0.0 negative), the sums of weights and of squared
    weights (both the counts without weights), and the number of its cluster where rows belong together.
    Cells may repeat a score. Without weights the variance is exactly DeLong's (DeLong, DeLong and
    Clarke-Pearson 1988; midranks as in Sun and Xu 2014), ties counting one half; with clusters it is
    Obuchowski's (1997, Nonparametric analysis of clustered ROC curve data), from each cluster's sums of
    placements. With weights it is their linearised form, which multiplying every weight leaves alone.
    None as well with fewer than two clusters.
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
    _, rank = ranked(scores)
    size = int(rank.max()) + 1
    pos, pos2 = (_counted(rank, what, positive, size) for what in (weight, square))
    neg, neg2 = (_counted(rank, what, negative, size) for what in (weight, square))
    found = delong_of_scores(pos, pos2, neg, neg2)
    if found is None or clusters is None:
        return found
    of_positive, of_negative = _placed(pos, neg)
    away = np.zeros(len(weight))
    away[positive] = of_positive[rank[positive]] - found.auc
    away[negative] = of_negative[rank[negative]] - found.auc
    return _clustered(found, away, weight, (positive, negative), np.asarray(clusters))


def delong_of_scores(
    pos: NDArray[np.float64], pos2: NDArray[np.float64], neg: NDArray[np.float64], neg2: NDArray[np.float64]
) -> DeLong | None:
    """Return the AUC of independent rows that are counted by score already, as `delong` does.

    Sums of weights and of squared weights of positives and negatives at each distinct score, rising, shape
    (scores,). None where the AUC is not finite.
    """
    of_positive, of_negative = _placed(pos, neg)
    auc, first, n_pos = _spread(of_positive, pos, pos2)
    _, second, n_neg = _spread(of_negative, neg, neg2)
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

    Ties count one half. In O(cells log cells), one sort, which is quick where scores come in rising runs;
    shapes (positives,) and (negatives,), both average the AUC under the weights of their class.
    """
    _, rank = ranked(score)
    size = int(rank.max()) + 1
    pos, neg = (_counted(rank, w, side, size) for side in (positive, negative))
    of_positive, of_negative = _placed(pos, neg)
    return of_positive[rank[positive]], of_negative[rank[negative]]


def _counted(
    rank: NDArray[np.int64], what: NDArray[np.float64], side: NDArray[np.bool_], size: int
) -> NDArray[np.float64]:
    """Sum one class's `what` at each distinct score."""
    import numpy as np

    return np.asarray(np.bincount(rank[side], what[side], minlength=size), dtype=float)


def _placed(
    pos: NDArray[np.float64], neg: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the placement of a positive and of a negative at each distinct score, rising."""
    import numpy as np

    below = np.cumsum(neg) - neg / 2.0
    above = np.cumsum(pos[::-1])[::-1] - pos / 2.0
    return below / neg.sum(), above / pos.sum()


def ranked(score: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the distinct scores, rising, and the place of each score among them.

    As `numpy.unique` with its inverse, by the sort that takes one pass over what is sorted already: cells
    come in rising runs, one a label.
    """
    import numpy as np

    order = np.argsort(score, kind="stable")
    rising = score[order]
    new = np.ones(len(score), dtype=bool)
    new[1:] = rising[1:] != rising[:-1]
    place = np.empty(len(score), dtype=np.int64)
    place[order] = np.cumsum(new) - 1
    return rising[new], place


def _clustered(
    found: DeLong,
    away: NDArray[np.float64],
    w: NDArray[np.float64],
    sides: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    clusters: NDArray[np.int64],
) -> DeLong | None:
    """Replace the variances by Obuchowski's where they are larger; `away` is each placement less the AUC."""
    import numpy as np

    seen = sides[0] | sides[1]
    _, place = np.unique(clusters[seen], return_inverse=True)
    size = int(place.max()) + 1
    if size < MIN_CLUSTERS:
        return None
    sums, sizes, counts = [], [], []
    for side in sides:
        mine, total = side[seen], float(w[side].sum())
        held = np.bincount(place[mine], w[side] / total, minlength=size)
        sums.append(np.bincount(place[mine], away[side] * (w[side] / total), minlength=size))
        sizes.append(held)
        counts.append(int((held > 0.0).sum()))
    (first, second), (one, other) = sums, counts
    variance_pos = float(first @ first) * one / (one - 1.0) if one > 1 else 0.0
    variance_neg = float(second @ second) * other / (other - 1.0) if other > 1 else 0.0
    covariance = 2.0 * float(first @ second) * size / (size - 1.0)
    independent = found.variance
    if NO_VARIANCE < variance_pos + variance_neg + covariance < independent:
        # That clusters happen to be more alike than chance is no knowledge, see `covariances`.
        variance_pos, variance_neg, covariance = found.variance_pos, found.variance_neg, 0.0
    whole = np.bincount(place, w[seen] / w[seen].sum(), minlength=size)
    now = variance_pos + variance_neg + covariance
    together = Together(
        covariance=covariance,
        alike=max(now / independent, 1.0) if independent > NO_VARIANCE else 1.0,
        n_pos=rows_behind(sizes[0], sizes[0] ** 2).rows,
        n_neg=rows_behind(sizes[1], sizes[1] ** 2).rows,
        n_all=rows_behind(whole, whole**2).rows,
    )
    return replace(found, variance_pos=variance_pos, variance_neg=variance_neg, together=together)


def _modelled_variance(auc: float, n_pos: float, n_neg: float) -> float:
    """Return Hanley and McNeil's variance of an AUC, with Newcombe's mean of both sizes in the middle terms.

    1982, The meaning and use of the area under a ROC curve: exponential scores, of which a positive beats
    two negatives at once with chance AUC / (2 - AUC); Newcombe 2006 makes it symmetric in the sizes. For a
    class of fewer than one row there is nothing between pairs to correct.
    """
    middle = max((n_pos + n_neg) / 2.0 - 1.0, 0.0)
    terms = 1.0 + middle * ((1.0 - auc) / (2.0 - auc) + auc / (1.0 + auc))
    return auc * (1.0 - auc) * terms / (n_pos * n_neg)


def _spread(
    placement: NDArray[np.float64], w: NDArray[np.float64], w2: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return the mean placement, the variance of that mean (0 where there is none), and Kish's n."""
    total = float(w.sum())
    found = moments(placement, w, w2)
    if found is None:
        return float(placement @ (w / total)), 0.0, rows_behind(w / total, w2 / total / total).rows
    return float(found.means[0]), float(found.covariance[0, 0]), found.n


def _expit(x: float) -> float:
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    return math.exp(x) / (1.0 + math.exp(x))
