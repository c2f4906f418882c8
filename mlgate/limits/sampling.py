"""How the estimate of one claim varies from table to table, and which of its values pass.

The estimate at hand is taken for the truth, and that of another table is distributed around it as wide as the
interval says:

- a single proportion is counted exactly: binomial hits, held against Wilson's interval of each, which passes
  L - g exactly when k / n >= p + z sqrt(p (1 - p) / n) with p = L - g (the score test that it inverts);
- anything else is normal on the scale (plain, log or logit) on which its interval is most nearly symmetric,
  with a width that does not depend on the truth;
- gaps and min / max are folded: the signed difference, or the log of the ratio, is normal, and its distance
  from zero is what is judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Protocol, TypeAlias

from mlgate.estimates import Interval
from mlgate.intervals import Evenness, Exact, Gap, MoverRatio, Newcombe, Student, Wilson
from mlgate.limits.comparators import Limit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NORMAL = NormalDist()

Region: TypeAlias = tuple[float, float]
"""The estimates that pass: from, to. Empty when the first is larger."""


class Sampled(Protocol):
    """How the estimate of one claim varies from table to table, and which of its values pass."""

    @property
    def truth(self) -> float:
        """The value that is taken for the truth."""
        ...

    def region(self, limit: Limit, guard: float | None, rows: float) -> Region:
        """Return the estimates that pass with `rows` times the rows; by themselves when guard is None."""
        ...

    def kept(self, limit: Limit, confidence: float) -> Region:
        """Return the estimates that do not fail at a one-sided confidence."""
        ...

    def chance(self, region: Region, truth: float, rows: float, *, exact: bool = True) -> float:
        """Return the chance that the estimate lies in a region."""
        ...

    def drawn(self, noise: NDArray[np.float64], rows: float) -> NDArray[np.float64]:
        """Return the estimates that standard normal noise gives."""
        ...

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest truth that is worth asking about."""
        ...


@dataclass(frozen=True, slots=True)
class _Scale:
    forward: Callable[[float], float]
    inverse: Callable[[float], float]


def _log(value: float) -> float:
    return math.log(value) if value > 0.0 else -math.inf


def _exp(value: float) -> float:
    return math.exp(value) if value < 700.0 else math.inf  # noqa: PLR2004


def _logit(value: float) -> float:
    if value <= 0.0 or value >= 1.0:
        return -math.inf if value <= 0.0 else math.inf
    return math.log(value) - math.log1p(-value)


def _expit(value: float) -> float:
    return 1.0 / (1.0 + _exp(-value)) if value > -700.0 else 0.0  # noqa: PLR2004


def _same(value: float) -> float:
    return value


_PLAIN = _Scale(_same, _same)
_SCALES = (_PLAIN, _Scale(_log, _exp), _Scale(_logit, _expit))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Share:
    """A single proportion, counted exactly."""

    truth: float
    n: float
    z: float
    """Of the one-sided confidence."""

    @property
    def range(self) -> tuple[float, float]:
        return 0.0, 1.0

    def region(self, limit: Limit, guard: float | None, rows: float) -> Region:
        low, high = span(limit)
        n = self.n * rows
        if guard is None:
            return low, high
        return max(low, self._reached(low - guard, n)), min(high, 1.0 - self._reached(1.0 - high - guard, n))

    def _reached(self, bound: float, n: float) -> float:
        """Return the smallest share whose lower bound is at least `bound`."""
        if bound <= 0.0:
            return 0.0
        if bound >= 1.0:
            return math.inf
        wilson = bound + self.z * math.sqrt(bound * (1.0 - bound) / n)
        if wilson <= 1.0 - 1.0 / n:
            return wilson
        # Only a table in which all hit is left, and that has Clopper and Pearson's bound.
        return 1.0 if NORMAL.cdf(-self.z) ** (1.0 / n) >= bound else math.inf

    def kept(self, limit: Limit, confidence: float) -> Region:
        low, high = span(limit)
        z = NORMAL.inv_cdf(confidence)

        def least(bound: float) -> float:
            spread = z * math.sqrt(max(bound * (1.0 - bound), 0.0) / self.n)
            return bound - spread if math.isfinite(bound) else bound

        return (
            least(low) if low > 0.0 else 0.0,
            1.0 - least(1.0 - high) if high < 1.0 else 1.0,
        )

    def chance(self, region: Region, truth: float, rows: float, *, exact: bool = True) -> float:
        low, high = max(region[0], 0.0), min(region[1], 1.0)
        if low > high:
            return 0.0
        truth = min(max(truth, 0.0), 1.0)
        n = self.n * rows
        whole = round(n)
        if exact and abs(n - whole) < 1e-6 * max(n, 1.0):
            from scipy.stats import binom

            first, last = math.ceil(low * whole * (1 - 1e-11)), math.floor(high * whole * (1 + 1e-11))
            return float(max(binom.cdf(last, whole, truth) - binom.cdf(first - 1, whole, truth), 0.0))
        spread = math.sqrt(max(truth * (1.0 - truth), 0.0) / n)
        from_ = -math.inf if low <= 0.0 else low
        return _between(from_, math.inf if high >= 1.0 else high, truth, spread)

    def drawn(self, noise: NDArray[np.float64], rows: float) -> NDArray[np.float64]:
        spread = math.sqrt(max(self.truth * (1.0 - self.truth), 0.25 / self.n) / (self.n * rows))
        drawn: NDArray[np.float64] = (self.truth + spread * noise).clip(0.0, 1.0)
        return drawn


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scaled:
    """A number that is about normal on some scale, its interval of one width there."""

    truth: float
    scale: _Scale
    spread: float
    """One standard error, on the scale."""
    below: float
    """From the estimate to its lower bound, on the scale."""
    above: float
    z: float

    @property
    def range(self) -> tuple[float, float]:
        far = 60.0 * self.spread if self.scale is _PLAIN else min(60.0 * self.spread, 600.0)
        middle = self.scale.forward(self.truth)
        return self.scale.inverse(middle - far), self.scale.inverse(middle + far)

    def region(self, limit: Limit, guard: float | None, rows: float) -> Region:
        low, high = span(limit)
        if guard is None:
            return low, high
        root = math.sqrt(rows)
        least = self._moved(low - guard, self.below / root)
        most = self._moved(high + guard, -self.above / root)
        return max(low, least), min(high, most)

    def kept(self, limit: Limit, confidence: float) -> Region:
        low, high = span(limit)
        wider = NORMAL.inv_cdf(confidence) / self.z
        return self._moved(low, -self.above * wider), self._moved(high, self.below * wider)

    def _moved(self, value: float, by: float) -> float:
        if not math.isfinite(value):
            return value
        placed = self.scale.forward(value)
        if not math.isfinite(placed):
            return value if placed < 0 else math.inf
        return self.scale.inverse(placed + by)

    def chance(self, region: Region, truth: float, rows: float, *, exact: bool = True) -> float:  # noqa: ARG002
        low, high = (self.scale.forward(one) if math.isfinite(one) else one for one in region)
        return _between(low, high, self.scale.forward(truth), self.spread / math.sqrt(rows))

    def drawn(self, noise: NDArray[np.float64], rows: float) -> NDArray[np.float64]:
        import numpy as np

        moved = self.scale.forward(self.truth) + self.spread / math.sqrt(rows) * noise
        if self.scale is _PLAIN:
            return moved
        return np.array([self.scale.inverse(one) for one in moved.tolist()])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Folded:
    """The distance from zero of a signed difference, or from even of a ratio."""

    truth: float
    spread: float
    """One standard error, of the signed difference or of the log of the ratio."""
    below: float
    """From the distance to its lower bound."""
    above: float
    ratio: bool
    """Whether the value is exp(-distance), as min / max is."""
    z: float

    @property
    def range(self) -> tuple[float, float]:
        far = min(self._distance(self.truth) + 60.0 * self.spread, 1e300)
        return (math.exp(-far), 1.0) if self.ratio else (0.0, far)

    def _distance(self, value: float) -> float:
        if not self.ratio:
            return value
        return -_log(value) if value > 0.0 else math.inf

    def _ends(self, limit: Limit) -> tuple[float, float]:
        """Return the limit on the distance: from, to."""
        low, high = span(limit)
        return (self._distance(high), self._distance(low)) if self.ratio else (low, high)

    def region(self, limit: Limit, guard: float | None, rows: float) -> Region:
        first, last = self._ends(limit)
        if guard is not None:
            low, high = span(limit)
            widened = (self._distance(high + guard), self._distance(low - guard)) if self.ratio else None
            near, far = widened or (low - guard, high + guard)
            root = math.sqrt(rows)
            first = max(first, near + self.below / root) if math.isfinite(near) and near > 0.0 else first
            last = min(last, far - self.above / root) if math.isfinite(far) else last
        return max(first, 0.0), last

    def kept(self, limit: Limit, confidence: float) -> Region:
        first, last = self._ends(limit)
        wider = NORMAL.inv_cdf(confidence) / self.z
        return first - self.above * wider, last + self.below * wider

    def chance(self, region: Region, truth: float, rows: float, *, exact: bool = True) -> float:  # noqa: ARG002
        spread, middle = self.spread / math.sqrt(rows), self._distance(truth)
        low, high = region
        if low > high or high < 0.0:
            return 0.0
        reached = _between(low, high, middle, spread)
        return (
            min(reached + _between(-high, -low, middle, spread), 1.0)
            if low > 0.0
            else _between(-high, high, middle, spread)
        )

    def drawn(self, noise: NDArray[np.float64], rows: float) -> NDArray[np.float64]:
        import numpy as np

        return np.abs(self._distance(self.truth) + self.spread / math.sqrt(rows) * noise)


def _between(low: float, high: float, middle: float, spread: float) -> float:
    """Return the chance that a normal number lies in [low, high]."""
    if low > high or math.isnan(low) or math.isnan(high):
        return 0.0
    if spread <= 0.0 or not math.isfinite(middle):
        return float(low <= middle <= high)

    def cdf(at: float) -> float:
        return float(at > 0) if math.isinf(at) else NORMAL.cdf((at - middle) / spread)

    return max(cdf(high) - cdf(low), 0.0)


def span(limit: Limit) -> Region:
    """Return the values that keep to a limit; no value does where the limit has none."""
    return limit.span or (math.inf, -math.inf)


def sampled(value: float, interval: Interval | None, confidence: float) -> Sampled:
    """Return how an estimate with this interval varies; `confidence` is one-sided."""
    z = NORMAL.inv_cdf(confidence)
    if isinstance(interval, Wilson | Exact):
        return _Share(truth=value, n=interval.n, z=z)
    if isinstance(interval, Gap | Evenness):
        folded = _folded(value, interval, confidence, z)
        if folded is not None:
            return folded
    if isinstance(interval, Student):  # bounds that are cut off say too little
        interval = replace(interval, lowest=-math.inf, highest=math.inf)
    low, high = interval.at(2.0 * confidence - 1.0) if interval is not None else (value, value)
    scales = [(_unevenness(one, value, low, high), number) for number, one in enumerate(_SCALES)]
    scale = _SCALES[min(scales)[1]]
    middle = scale.forward(value)
    below, above = middle - scale.forward(low), scale.forward(high) - middle
    return _Scaled(truth=value, scale=scale, spread=(below + above) / 2.0 / z, below=below, above=above, z=z)


def _unevenness(scale: _Scale, value: float, low: float, high: float) -> float:
    """Return how far from symmetric an interval is on a scale; infinite where it has no place there."""
    placed = [scale.forward(one) for one in (low, value, high)]
    if not all(map(math.isfinite, placed)):
        return math.inf
    below, above = placed[1] - placed[0], placed[2] - placed[1]
    if below <= 0.0 or above <= 0.0:
        return 0.0 if scale is _PLAIN else math.inf
    # To a hundredth, so that rounding does not choose, and the plain scale wins where all are alike.
    return round(abs(math.log(above / below)), 2)


def _folded(value: float, interval: Gap | Evenness, confidence: float, z: float) -> _Folded | None:
    """Return how a gap or an evenness varies; None where a ratio has no logarithm."""
    two_sided = 2.0 * confidence - 1.0
    low, high = interval.at(two_sided)
    if isinstance(interval, Gap):
        first, last = Newcombe(interval.a, interval.b).at(two_sided)
        spread = (last - first) / 2.0 / z
        return _Folded(truth=value, spread=spread, below=value - low, above=high - value, ratio=False, z=z)
    small, large = sorted((interval.a, interval.b), key=lambda part: part.value)
    first, last = MoverRatio(small, large).at(two_sided)
    if min(value, first, low) <= 0.0:
        return None
    distance = -math.log(value)
    return _Folded(
        truth=value,
        spread=(math.log(last) - math.log(first)) / 2.0 / z,
        below=distance + math.log(high),
        above=-math.log(low) - distance,
        ratio=True,
        z=z,
    )
