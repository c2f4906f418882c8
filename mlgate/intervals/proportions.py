"""One proportion: Wilson's score interval, and Clopper and Pearson's where nothing, or everything, hit.

Rows that belong together (several of one patient) are fewer than they look; `Clustered` allows for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol, TypeVar, runtime_checkable

from mlgate.estimates import Interval

MIN_CLUSTERS = 2
"""One cluster says nothing of how clusters differ."""

CLUSTERS = "clusters"
"""What the method of an interval says that allows for clusters."""


@runtime_checkable
class Part(Interval, Protocol):
    """An interval that knows its estimate, so that sums, differences and ratios can be built of it."""

    @property
    def value(self) -> float:
        """The estimate that the interval is about."""
        ...

    def grown(self, factor: float) -> Part:
        """Return what it would be with `factor` times the rows and the same estimate."""
        ...


def z_of(confidence: float) -> float:
    """Return the standard normal quantile of two-sided `confidence` in [0, 1).

    Raises ValueError for any other confidence.
    """
    if not 0.0 <= confidence < 1.0:
        raise ValueError(f"a confidence is at least 0 and below 1, not {confidence}")
    return NormalDist().inv_cdf((1.0 + confidence) / 2.0)


@dataclass(frozen=True, slots=True)
class Wilson:
    """Wilson's score interval of one proportion, without continuity correction (Wilson 1927).

    `k` of `n` hit; neither needs to be whole (Kish's n is not). Never of width zero, stays in [0, 1].
    """

    k: float
    n: float

    @property
    def method(self) -> str:
        """As the report prints it."""
        return "wilson"

    @property
    def value(self) -> float:
        """The share k / n."""
        return self.k / self.n

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        z = z_of(confidence)
        share, rest = self.value, (self.n - self.k) / self.n
        low, gap = _wilson_low(share, self.n, z), _wilson_low(rest, self.n, z)
        return min(low, share), max(1.0 - gap, share)

    def grown(self, factor: float) -> Wilson:
        """Return the interval of `factor` times the rows."""
        return Wilson(self.k * factor, self.n * factor)


def _wilson_low(share: float, n: float, z: float) -> float:
    """Return the lower bound: the product of both roots by the upper one, which cancels no digits."""
    if share <= 0.0:
        return 0.0
    high = share + z * z / (2.0 * n) + z * math.sqrt(share * (1.0 - share) / n + (z / (2.0 * n)) ** 2)
    return share * share / high


@dataclass(frozen=True, slots=True)
class Exact:
    """Clopper and Pearson's interval of one proportion (1934): covers at least as often as it says.

    `k` of `n` hit; through the incomplete beta function, so that neither needs to be whole.
    """

    k: float
    n: float

    @property
    def method(self) -> str:
        """As the report prints it."""
        return "clopper-pearson"

    @property
    def value(self) -> float:
        """The share k / n."""
        return self.k / self.n

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        from scipy.special import betaincinv

        z_of(confidence)  # refuses what is no confidence
        tail = (1.0 - confidence) / 2.0
        missed = self.n - self.k
        low = float(betaincinv(self.k, missed + 1.0, tail)) if self.k > 0.0 else 0.0
        high = 1.0 - float(betaincinv(missed, self.k + 1.0, tail)) if missed > 0.0 else 1.0
        return min(low, self.value), max(high, self.value)

    def grown(self, factor: float) -> Exact:
        """Return the interval of `factor` times the rows."""
        return Exact(self.k * factor, self.n * factor)


T = TypeVar("T", Wilson, Exact)


@dataclass(frozen=True, kw_only=True, slots=True)
class Clustered:
    """An interval at an effective sample size, allowing for how few clusters that size was learnt from.

    Korn and Graubard's (1998, Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data): the effective size is multiplied by (t_{n-1} / t_{C-1})^2, Student's
    quantiles at the confidence asked, with n rows and C clusters. With every row a cluster of its own the
    factor is 1; with few clusters a variance is hardly known, and the interval is wide.
    """

    part: Part
    """The interval at the effective size."""
    rows: float
    """Rows, or Kish's n."""
    clusters: float
    """At least 2."""

    @property
    def method(self) -> str:
        """That of the part, and that clusters are allowed for."""
        return f"{self.part.method}, {CLUSTERS}"

    @property
    def value(self) -> float:
        """That of the part."""
        return self.part.value

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        return self.part.grown(self._factor(confidence)).at(confidence)

    def grown(self, factor: float) -> Clustered:
        """Return the interval of `factor` times the clusters, each as large as now."""
        return Clustered(
            part=self.part.grown(factor), rows=self.rows * factor, clusters=self.clusters * factor
        )

    def _factor(self, confidence: float) -> float:
        """Return the squared ratio of the quantiles, in (0, 1]."""
        from scipy.special import stdtrit

        if not z_of(confidence) > 0.0:
            return 1.0
        degrees = max(self.clusters - 1.0, 1.0)
        tail = (1.0 + confidence) / 2.0
        ratio = float(stdtrit(max(self.rows - 1.0, degrees), tail) / stdtrit(degrees, tail))
        return min(ratio * ratio, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proportion:
    """A share of (weighted) rows. Made by `proportion`, or from clusters by `clustered_share`."""

    numerator: float
    """Rows that hit, or their sum of weights."""
    denominator: float
    """Rows that count, or their sum of weights."""
    kish_n: float
    """How many equally weighted, independent rows would tell as much; the rows themselves without weights."""
    clusters: float | None = None
    """How many clusters the rows come from; None when each row stands for itself. With fewer than two
    there is a value and no interval."""
    rows: float = math.nan
    """With clusters, Kish's n as if rows were independent."""

    @property
    def value(self) -> float | None:
        """The share; None without a denominator: a rate of nobody is not zero."""
        return self.numerator / self.denominator if self._known else None

    @property
    def wilson(self) -> Wilson | Clustered | None:
        """Wilson's interval at Kish's n, of which differences and ratios are built."""
        if not self._estimable:
            return None
        return self._allowing(Wilson(self._hits, self.kish_n))

    @property
    def interval(self) -> Wilson | Exact | Clustered | None:
        """Wilson's interval; Clopper and Pearson's where none or all hit (upper bound about 3 / n)."""
        return self.wilson if 0.0 < self.numerator < self.denominator else self.exact

    @property
    def exact(self) -> Exact | Clustered | None:
        """Clopper and Pearson's interval, on request."""
        if not self._estimable:
            return None
        return self._allowing(Exact(self._hits, self.kish_n))

    @property
    def _hits(self) -> float:
        return self.kish_n * (self.numerator / self.denominator)

    def _allowing(self, part: T) -> T | Clustered:
        """Allow for clusters when there are any."""
        if self.clusters is None:
            return part
        return Clustered(part=part, rows=self.rows, clusters=self.clusters)

    @property
    def _estimable(self) -> bool:
        return self._known and (self.clusters is None or self.clusters >= MIN_CLUSTERS)

    @property
    def _known(self) -> bool:
        return (
            self.denominator > 0.0
            and 0.0 < self.kish_n < math.inf
            and 0.0 <= self.numerator <= self.denominator < math.inf
        )


def proportion(k: float, n: float, w_sum: float | None = None, w2_sum: float | None = None) -> Proportion:
    """Return the share `k / n`; with weights, `k` and `n` are sums of weights.

    `w2_sum` is the sum of squared weights over the rows of the denominator, `w_sum` their sum of weights
    (left out, it is `n`): Kish's n = w_sum^2 / w2_sum. Multiplying every weight by 7 changes nothing.
    A denominator that is zero, negative or not finite gives a proportion whose `value` is None.
    """
    total = float(n) if w_sum is None else float(w_sum)
    kish = float(n)
    if w2_sum is not None:
        kish = total * (total / w2_sum) if w2_sum > 0.0 else 0.0
    return Proportion(numerator=_snapped(float(k), float(n)), denominator=float(n), kish_n=kish)


def _snapped(k: float, n: float) -> float:
    """Pull a sum of weights that rounding pushed just past 0 or `n` back onto it."""
    slack = 1e-12 * abs(n)
    if abs(k) <= slack:
        return 0.0
    return n if abs(k - n) <= slack else k
