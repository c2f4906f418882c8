"""Differences, ratios, sums and functions of independent parts, from the parts' own intervals (MOVER).

MOVER, the method of variance estimates recovery, takes how far each part's bound lies from its estimate
as that part's share of the uncertainty in that direction (Newcombe 1998, method 10; Zou and Donner 2008;
Donner and Zou 2012 for ratios). Parts must be independent: disjoint groups, or rates with disjoint
denominators; `DependentSum` and the `correlation` of a ratio are for those that are not. Parts are Wilson
intervals of proportions unless said otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mlgate.intervals.proportions import CLUSTERS, Part, Proportion, Wilson, proportion

_BETWEEN = tuple(i / 32 for i in range(1, 32))
"""Values of a rate at which a function is looked at between its bounds. Fixed ones, so that where less is
known of a rate no less is seen of the function."""


@dataclass(frozen=True, slots=True)
class Newcombe:
    """The difference a - b of two independent parts; lies in [-1, 1] for proportions."""

    a: Part
    b: Part

    @property
    def method(self) -> str:
        """`newcombe` for two Wilson intervals, else `mover`."""
        return "newcombe" if isinstance(self.a, Wilson) and isinstance(self.b, Wilson) else "mover"

    @property
    def value(self) -> float:
        """The difference."""
        return self.a.value - self.b.value

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        (a_low, a_high), (b_low, b_high) = self.a.at(confidence), self.b.at(confidence)
        a, b = self.a.value, self.b.value
        return a - b - math.hypot(a - a_low, b_high - b), a - b + math.hypot(a_high - a, b - b_low)

    def grown(self, factor: float) -> Newcombe:
        """Return the interval of `factor` times the rows in both parts."""
        return Newcombe(self.a.grown(factor), self.b.grown(factor))


@dataclass(frozen=True, slots=True)
class Gap:
    """The absolute difference |a - b|, for claims like "the gap is at most 0.1".

    The lower bound is that of the difference with the larger estimate first; it may be negative. The
    upper bound is the larger of the two directions' upper bounds: a gap is at most L only if neither
    a - b nor b - a exceeds L, and with unequal groups the direction with the smaller estimate can reach
    further.
    """

    a: Part
    b: Part

    @property
    def method(self) -> str:
        """`newcombe` for two Wilson intervals, else `mover`."""
        return Newcombe(self.a, self.b).method

    @property
    def value(self) -> float:
        """The gap, at least 0."""
        return abs(self.a.value - self.b.value)

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        first, second = (self.a, self.b) if self.a.value >= self.b.value else (self.b, self.a)
        low, high = Newcombe(first, second).at(confidence)
        return low, max(high, -low)

    def grown(self, factor: float) -> Gap:
        """Return the interval of `factor` times the rows in both parts."""
        return Gap(self.a.grown(factor), self.b.grown(factor))


@dataclass(frozen=True, slots=True)
class MoverRatio:
    """The ratio a / b of two parts that are not negative (MOVER-R, Donner and Zou 2012).

    Needs b's estimate and lower bound above 0, which Wilson gives as soon as b's numerator is. The lower
    bound is the root in R of a - R b = hypot(a - a_low, R (b_high - b)), the upper bound that of
    R b - a = hypot(a_high - a, R (b - b_low)); both forms below are free of cancellation and of the
    published formula's division by zero at b_high = 2 b. With a correlation r of the two estimates,
    2 r R (a - a_low) (b_high - b) is taken off under the root, and likewise above.
    """

    a: Part
    b: Part
    correlation: float = 0.0
    """Of both estimates; 0 for independent parts."""

    @property
    def method(self) -> str:
        """As the report prints it."""
        return "mover-r"

    @property
    def value(self) -> float:
        """The ratio."""
        return self.a.value / self.b.value

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`; the lower one is at least 0."""
        (a_low, a_high), (b_low, b_high) = self.a.at(confidence), self.b.at(confidence)
        a, b = self.a.value, self.b.value
        product = a * b
        near = a_low * (2.0 * a - a_low)
        shared = product - self.correlation * (a - a_low) * (b_high - b)
        low = _root(near, b_high * (2.0 * b - b_high), shared)
        base = b_low * (2.0 * b - b_low)
        shared = product - self.correlation * (a_high - a) * (b - b_low)
        root = math.sqrt(max(shared * shared - base * a_high * (2.0 * a - a_high), 0.0))
        high = (shared + root) / base
        return min(low, self.value), max(high, self.value)

    def grown(self, factor: float) -> MoverRatio:
        """Return the interval of `factor` times the rows in both parts."""
        return MoverRatio(self.a.grown(factor), self.b.grown(factor), self.correlation)


def _root(near: float, above: float, shared: float) -> float:
    """Return the root R >= 0 of above R^2 - 2 shared R + near = 0 that is the lower bound of a ratio."""
    if not near > 0.0:
        return 0.0
    root = math.sqrt(max(shared * shared - above * near, 0.0))
    return near / (shared + root) if shared > 0.0 else (shared - root) / above  # whichever cancels nothing


@dataclass(frozen=True, slots=True)
class Evenness:
    """The smaller part over the larger, in [0, 1], for claims like "min / max is at least 0.8".

    The upper bound is that of the ratio with the smaller estimate on top; it may pass 1. The lower bound
    is the lesser of both directions' lower bounds: the groups are even to 0.8 only if a / b and b / a
    both are at least 0.8.
    """

    a: Part
    b: Part

    @property
    def method(self) -> str:
        """As the report prints it."""
        return "mover-r"

    @property
    def value(self) -> float:
        """The ratio, at most 1."""
        small, large = sorted((self.a.value, self.b.value))
        return small / large

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        small, large = (self.a, self.b) if self.a.value <= self.b.value else (self.b, self.a)
        low, high = MoverRatio(small, large).at(confidence)
        return min(low, 1.0 / high), high

    def grown(self, factor: float) -> Evenness:
        """Return the interval of `factor` times the rows in both parts."""
        return Evenness(self.a.grown(factor), self.b.grown(factor))


@dataclass(frozen=True, slots=True)
class MoverSum:
    """A weighted sum of independent parts: balanced accuracy is half of each class's recall."""

    parts: tuple[Part, ...]
    coefficients: tuple[float, ...]
    """One a part; may be negative."""

    @property
    def method(self) -> str:
        """As the report prints it."""
        return "mover"

    @property
    def value(self) -> float:
        """The sum."""
        return math.fsum(c * part.value for c, part in zip(self.coefficients, self.parts, strict=True))

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        below, above = self.arms(confidence)
        return self.value - math.hypot(*below), self.value + math.hypot(*above)

    def arms(self, confidence: float) -> tuple[list[float], list[float]]:
        """Return how far each part, times its coefficient, reaches below and above its estimate."""
        below, above = [], []
        for c, part in zip(self.coefficients, self.parts, strict=True):
            low, high = sorted(c * bound for bound in part.at(confidence))
            below.append(c * part.value - low)
            above.append(high - c * part.value)
        return below, above

    def grown(self, factor: float) -> MoverSum:
        """Return the interval of `factor` times the rows in every part."""
        return MoverSum(tuple(part.grown(factor) for part in self.parts), self.coefficients)


@dataclass(frozen=True, kw_only=True, slots=True)
class DependentSum:
    """A weighted sum of parts that are not independent, and whose weights may be estimates themselves.

    The reach of `MoverSum` times the square root of `inflation`, but no further than if all parts reached
    their bounds together; to its square is added that of Student's t for the variance which the parts do
    not account for. Bounds keep to the range.
    """

    of: MoverSum
    inflation: float = 1.0
    """Variance of the sum over what it would be if the parts were independent; at least 1, and infinite
    where nothing is known of how they go together."""
    extra: float = 0.0
    """Variance that comes from the weights; at least 0."""
    n: float = math.inf
    """Rows, Kish's n, or clusters, that `extra` was learnt from; above 1."""
    lowest: float = 0.0
    highest: float = 1.0

    @property
    def method(self) -> str:
        """As the report prints it."""
        return next((f"mover, {CLUSTERS}" for part in self.of.parts if CLUSTERS in part.method), "mover")

    @property
    def value(self) -> float:
        """The sum."""
        return self.of.value

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        below, above = self.of.arms(confidence)
        more = self._student(confidence) * math.sqrt(self.extra) if self.extra > 0.0 else 0.0
        low, high = (self.value - self._reach(below, more), self.value + self._reach(above, more))
        return max(low, min(self.lowest, self.value)), min(high, max(self.highest, self.value))

    def grown(self, factor: float) -> DependentSum:
        """Return the interval of `factor` times the rows in every part."""
        return replace(self, of=self.of.grown(factor), extra=self.extra / factor, n=self.n * factor)

    def _reach(self, arms: Sequence[float], more: float) -> float:
        apart, together = math.hypot(*arms), math.fsum(arms)
        return math.hypot(min(math.sqrt(self.inflation) * apart, together) if together else 0.0, more)

    def _student(self, confidence: float) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(max(self.n - 1.0, 1.0), (1.0 + confidence) / 2.0))


@dataclass(frozen=True, slots=True)
class MoverFunction:
    """A smooth function of independent parts: Matthews' coefficient of prevalence and both recalls.

    Each part is moved alone, to its bounds and over what lies between them; how far the function moves is
    that part's share of the uncertainty. (At the bounds alone, kappa would look sure where the prevalence
    is hardly known: it falls to 0 towards both ends.) For a linear function it is MOVER; it needs neither
    draws nor a seed, and a table without a single error still has an interval, where every bootstrap draw
    would be equal.
    """

    parts: tuple[Part, ...]
    function: Callable[..., float]
    """Takes the parts' values in order. Where it is not finite, either end of the range is assumed."""
    lowest: float
    highest: float
    """The range of the function, which the bounds keep to."""

    @property
    def method(self) -> str:
        """As the report prints it."""
        return "mover"

    @property
    def value(self) -> float:
        """The function of the estimates, kept to its range, which rounding may leave."""
        found = self.function(*(part.value for part in self.parts))
        return min(max(found, self.lowest), self.highest) if math.isfinite(found) else found

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        values = [part.value for part in self.parts]
        centre = self.value
        below, above = [], []
        for i, part in enumerate(self.parts):
            ends = [centre]
            low, high = part.at(confidence)
            for place in (low, high, *(one for one in _BETWEEN if low < one < high)):
                moved = self.function(*values[:i], place, *values[i + 1 :])
                ends += [moved] if math.isfinite(moved) else [self.lowest, self.highest]
            below.append(centre - min(ends))
            above.append(max(ends) - centre)
        low, high = centre - math.hypot(*below), centre + math.hypot(*above)
        return max(low, self.lowest), min(high, self.highest)

    def grown(self, factor: float) -> MoverFunction:
        """Return the interval of `factor` times the rows in every part."""
        grown = tuple(part.grown(factor) for part in self.parts)
        return MoverFunction(grown, self.function, self.lowest, self.highest)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A monotone function of one part, whose bounds are the part's bounds mapped: F1 of Jaccard's J."""

    part: Part
    function: Callable[[float], float]
    """Rising or falling, finite over the part's range."""

    @property
    def method(self) -> str:
        """That of the part."""
        return self.part.method

    @property
    def value(self) -> float:
        """The function of the estimate."""
        return self.function(self.part.value)

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        low, high = sorted(self.function(bound) for bound in self.part.at(confidence))
        return low, high

    def grown(self, factor: float) -> Mapped:
        """Return the interval of `factor` times the rows."""
        return Mapped(self.part.grown(factor), self.function)


def difference(a: Proportion | Part, b: Proportion | Part) -> Newcombe | None:
    """Return the interval of a - b; None when either has no value."""
    first, second = _part(a), _part(b)
    return None if first is None or second is None else Newcombe(first, second)


def gap(a: Proportion | Part, b: Proportion | Part) -> Gap | None:
    """Return the interval of |a - b|; None when either has no value."""
    first, second = _part(a), _part(b)
    return None if first is None or second is None else Gap(first, second)


def ratio(a: Proportion, b: Proportion) -> MoverRatio | None:
    """Return the interval of a / b; None when either has no value or b is 0."""
    first, second = a.wilson, b.wilson
    if first is None or second is None or second.value <= 0.0:
        return None
    return MoverRatio(first, second)


def evenness(a: Proportion, b: Proportion) -> Evenness | None:
    """Return the interval of min / max; None when either has no value or both are 0."""
    first, second = a.wilson, b.wilson
    if first is None or second is None or max(first.value, second.value) <= 0.0:
        return None
    return Evenness(first, second)


def weighted_sum(
    parts: Sequence[Proportion | Part], coefficients: Sequence[float] | None = None
) -> MoverSum | None:
    """Return the interval of a weighted sum; the plain mean without coefficients.

    None when there is no part or any of them has no value.
    """
    found = [_part(part) for part in parts]
    whole = tuple(part for part in found if part is not None)
    if not whole or len(whole) < len(found):
        return None
    return MoverSum(whole, tuple(coefficients or [1.0 / len(whole)] * len(whole)))


def function_of_rates(
    rates: Sequence[Proportion], function: Callable[..., float], *, lowest: float, highest: float
) -> MoverFunction | None:
    """Return the interval of a function of independent rates.

    A two-by-two table is its prevalence, its true-positive and its true-negative rate, which are
    independent; Matthews' coefficient, kappa and F-beta are functions of the three. None when a rate has
    no value or the function none at the estimates.
    """
    parts = tuple(part for part in map(_part, rates) if part is not None)
    if not parts or len(parts) < len(rates):
        return None
    interval = MoverFunction(parts, function, lowest, highest)
    return interval if math.isfinite(interval.value) else None


def f_score(tp: float, fp: float, fn: float, w2_sum: float | None = None) -> Mapped | None:
    """Return the interval of F1 = 2J / (1 + J), J = TP / (TP + FP + FN), by Wilson of J.

    With weights the counts are sums of weights and `w2_sum` is the sum of squared weights over the same
    three cells. None when all three are zero.
    """
    part = proportion(tp, tp + fp + fn, w2_sum=w2_sum).interval
    return None if part is None else Mapped(part, _f1_of_jaccard)


def _f1_of_jaccard(j: float) -> float:
    return 2.0 * j / (1.0 + j)


def _part(of: Proportion | Part) -> Part | None:
    return of.wilson if isinstance(of, Proportion) else of
