"""What an order by score yields, from the highest score down, with the uncertainty of it in closed form.

Why no bootstrap: resampling rows repeats scores, which makes average precision and the Kolmogorov-Smirnov
distance look better than they are. With 100 rows of each class and a true distance of 0.38, a lower bound
at 95 % from percentiles of draws was above the truth in 30 of 100 tables, from bias-corrected ones in 15.
The forms here cost one sort, however many scores there are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgate.cells import Cells
from mlgate.estimates import Chart
from mlgate.intervals import Newcombe, Wilson
from mlgate.measures.rates import POSITIVE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHART_POINTS = 200
"""A picture has at most so many points."""

ROUNDING = 1e-12
"""Relative noise of sums of weights, which must not decide whether a cut point is reached."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Curve:
    """Weights of both classes at each distinct score, highest score first; arrays of shape (scores,)."""

    pos: NDArray[np.float64]
    """Sum of weights of the positives that have the score."""
    neg: NDArray[np.float64]
    pos2: NDArray[np.float64]
    """Sum of their squared weights."""
    neg2: NDArray[np.float64]

    @property
    def n_pos(self) -> float:
        """Kish's n of the positives; their number without weights."""
        return float(self.pos.sum() ** 2 / self.pos2.sum())

    @property
    def n_neg(self) -> float:
        """Kish's n of the negatives."""
        return float(self.neg.sum() ** 2 / self.neg2.sum())

    @property
    def n_all(self) -> float:
        """Kish's n of all rows."""
        both = self.pos.sum() + self.neg.sum()
        return float(both**2 / (self.pos2.sum() + self.neg2.sum()))


def curve(cells: Cells) -> Curve:
    """Merge the cells by score. Both classes have to occur."""
    import numpy as np

    distinct, place = np.unique(-cells.roles["score"], return_inverse=True)
    positive = cells.roles["label"] == POSITIVE

    def sums(mask: NDArray[np.bool_], what: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.zeros(len(distinct))
        np.add.at(found, place[mask], what[mask])
        return found

    return Curve(
        pos=sums(positive, cells.w),
        neg=sums(~positive, cells.w),
        pos2=sums(positive, cells.w2),
        neg2=sums(~positive, cells.w2),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Effective:
    """Wilson's interval of a number in [0, 1], at the n at which a proportion would vary as much."""

    value: float
    part: Wilson
    """Around the estimate less its bias, at the effective n."""
    method: str

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`; the estimate is always inside."""
        low, high = self.part.at(confidence)
        return min(low, self.value), max(high, self.value)

    def grown(self, factor: float) -> Effective:
        """Return the interval of `factor` times the rows."""
        return replace(self, part=self.part.grown(factor))


def effective(value: float, variance: float, *, least: float, method: str, bias: float = 0.0) -> Effective:
    """Return Wilson's interval of `value` in [0, 1] whose estimate has `variance` and `bias`.

    The effective n is value (1 - value) / variance, as with the design effect of a survey. Where either
    vanishes (every positive came first, or none did), but for the rounding of sums of weights, `least`
    stands in: the number of rows that at least told it.
    """
    value = min(max(float(value), 0.0), 1.0)
    spread = value * (1.0 - value)
    told = spread > ROUNDING and variance * least > ROUNDING * spread
    n = spread / variance if told else least
    centre = min(max(value - bias, 0.0), 1.0)
    return Effective(value=value, part=Wilson(centre * n, n), method=method)


def precision_interval(of: Curve, value: float) -> Effective:
    """Return the interval of average precision `value`.

    The variance is the sum of squared influences: AP is the mean over the positives of TP / (TP + FP) at
    their own score, and each row's influence is the derivative of that in its weight. A positive counts
    itself at its own score, which flatters the mean by (1 - precision) / (TP + FP) on average: that bias
    moves the interval, not the value. Wilson's form keeps it in [0, 1] as Boyd, Eng and Page 2013 advise,
    with the positives as n where all of them come first.
    """
    import numpy as np

    hits, seen = np.cumsum(of.pos), np.cumsum(of.pos + of.neg)
    total = float(hits[-1])
    per_hit = of.pos * (1.0 / seen - hits / seen / seen)
    per_miss = of.pos * hits / seen / seen
    of_positive = hits / seen - value + np.cumsum(per_hit[::-1])[::-1]
    of_negative = -np.cumsum(per_miss[::-1])[::-1]
    variance = float(of.pos2 @ of_positive**2 + of.neg2 @ of_negative**2) / total**2
    bias = float(of.pos2 @ (1.0 / seen - hits / seen / seen)) / total
    return effective(value, variance, least=of.n_pos, method="influence", bias=bias)


@dataclass(frozen=True, kw_only=True, slots=True)
class Separation:
    """Interval of the largest distance between two distributions, at the cut where it was found.

    The cut was chosen for being the best, so that its own distance is too good. The lower bound is
    therefore Smirnov's over all cuts, D - sqrt(log(1 / alpha) / 2 (1 / P + 1 / N)), at least 0; the upper
    one is Newcombe's at the cut, which needs no such care.
    """

    hit: Wilson
    """True-positive rate at the cut."""
    alarm: Wilson
    """False-positive rate at the cut."""
    method: str = "smirnov"

    @property
    def value(self) -> float:
        """The distance."""
        return self.hit.value - self.alarm.value

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        _, high = Newcombe(self.hit, self.alarm).at(confidence)
        tail = (1.0 - confidence) / 2.0
        reach = math.sqrt(-math.log(tail) / 2.0 * (1.0 / self.hit.n + 1.0 / self.alarm.n))
        return max(self.value - reach, 0.0), min(high, 1.0)

    def grown(self, factor: float) -> Separation:
        """Return the interval of `factor` times the rows."""
        return replace(self, hit=self.hit.grown(factor), alarm=self.alarm.grown(factor))


def captured(of: Curve, at: float) -> float:
    """Return the share of the positives among the `at` highest-scored share of all rows.

    Ties at the cut count in proportion: the mean over all orders that break them.
    """
    import numpy as np

    rows = np.concatenate([[0.0], np.cumsum(of.pos + of.neg)])
    hits = np.concatenate([[0.0], np.cumsum(of.pos)])
    return float(np.interp(at, rows / rows[-1], hits / hits[-1]))


def capture_interval(of: Curve, at: float) -> Effective:
    """Return the interval of `captured(of, at)`, divided by the share as lift is, through `Mapped`.

    A row's influence on (captured share of the prevalence) / prevalence: y S - theta - m (S - at), where S
    is whether it is above the cut, theta the positives above it, and m the share of positives near the
    cut, which says how the capture moves when the cut does. "Near" is within Wilson's 90 % interval of
    `at`, the range in which the cut of another table of this size would lie.
    """
    import numpy as np

    value = captured(of, at)
    pos, neg = float(of.pos.sum()), float(of.neg.sum())
    prevalence = pos / (pos + neg)
    low, high = Wilson(at * of.n_all, of.n_all).at(0.9)
    near = (captured(of, high) - captured(of, low)) * prevalence / (high - low)
    rows = (of.pos + of.neg) / (pos + neg)
    above = np.clip((at - (np.cumsum(rows) - rows)) / rows, 0.0, 1.0)
    moved = near * (above - at) / prevalence
    of_positive = above / prevalence - value / prevalence - moved
    variance = float(of.pos2 @ of_positive**2 + of.neg2 @ moved**2) / (pos + neg) ** 2
    return effective(value, variance, least=of.n_pos, method="influence")


def thinned(kind: str, title: str, **series: NDArray[np.float64]) -> Chart:
    """Return the points of a curve as data for a picture; of many, evenly spaced ones and both ends."""
    import numpy as np

    length = len(next(iter(series.values())))
    keep = np.unique(np.linspace(0, length - 1, min(length, CHART_POINTS)).round().astype(int))
    return Chart(
        kind=kind,
        title=title,
        data={name: tuple(map(float, values[keep])) for name, values in series.items()},
    )
