"""What a table can decide: how often a model passes by the rule when only the noise of the table is new.

The estimate at hand is taken for the truth, tables of the same size are imagined, and the rule is applied to
each. The estimate of such a table is distributed around the truth as wide as the interval says:

- a single proportion is counted exactly: binomial hits, held against Wilson's interval of each, which passes
  L - g exactly when k / n >= p + z sqrt(p (1 - p) / n) with p = L - g (the score test that it inverts);
- anything else is normal on the scale (plain, log or logit) on which its interval is most nearly symmetric,
  with a width that does not depend on the truth;
- gaps and min / max are folded: the signed difference, or the log of the ratio, is normal, and its distance
  from zero is what is judged;
- claims over groups pass together or not at all. A group that takes part in several of them has one and the
  same noise in all, drawn 4096 times from a fixed seed; claims that share no group are multiplied.

Held against enumeration and simulation in tests/test_power.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING, Protocol, TypeAlias

from mlgate.estimates import Comparison, Estimate, Interval
from mlgate.intervals import Evenness, Exact, Gap, MoverRatio, Newcombe, Part, Student, Wilson
from mlgate.limits.claims import MAX_NEEDED, Claim, claims_of
from mlgate.limits.comparators import Limit, round12
from mlgate.limits.deciding import Rule, decide

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TARGETS = (0.8, 0.9, 0.95)
"""Chances of passing for which the rows are worked out."""

HALF, FEW = 0.5, 0.05
"""A model that passes one time in two, and one time in twenty."""

_DRAWS = 4096
_MOST_NUMBERS = 4_000_000
"""Draws times claims that are held in memory at once; with very many claims there are fewer draws."""

_STEPS = 60
"""Halvings of an interval in which a number is sought."""

_NORMAL = NormalDist()

Region: TypeAlias = tuple[float, float]
"""The estimates that pass: from, to. Empty when the first is larger."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Power:
    """What a table of this size, and a rule, do to a model whose true value is the estimate at hand."""

    passes: float | None
    """The chance that it passes, in [0, 1]; None when nothing can be said, with `reason`."""
    inside: float | None = None
    """The chance that its estimates keep to the limit: what `on_inconclusive: lean` lets through."""
    unfailed: float | None = None
    """The chance that it does not fail: what `on_inconclusive: warn` lets through."""
    best: float | None = None
    """The chance of the best model there can be, with noise as here; small where nothing can pass."""
    half: float | None = None
    """The true value at which it passes one time in two; None where there is none."""
    few: float | None = None
    """The true value at which it passes one time in twenty: from here on a loss is caught."""
    rows: Mapping[float, int | None] | None = None
    """From chance of passing to the rows (of the kind that the estimate counts) at which the same model has
    it, about; None where no number of rows is enough. None as a whole for facts."""
    noisy: bool = True
    """False for facts, which are as they are."""
    reason: str | None = None
    """Why nothing can be said, or why nothing can pass."""


def power(estimate: Estimate, kind: str, limit: Limit, rule: Rule) -> Power:
    """Return what the rule does to a model as good as the estimate. Never raises for any numbers."""
    decision = decide(estimate, kind, limit, rule)
    if decision.outcome.value == "not_measured":
        return Power(passes=None, reason=decision.reason)
    if kind == "fact":
        sure = float(decision.outcome.value == "pass")
        return Power(passes=sure, inside=sure, unfailed=sure, best=None, noisy=False)
    judged = _Judging(claims=_claims(estimate, rule), limit=limit, rule=rule)
    share = estimate.judged_share
    if share is not None and round12(share) < rule.min_judged:
        reason = f"judged groups hold {share:.1%} of the rows, less than {rule.min_judged:.0%}"
        return Power(passes=0.0, inside=0.0, unfailed=judged.unfailed(), best=0.0, reason=reason)
    return Power(
        passes=judged.passes(),
        inside=judged.inside(),
        unfailed=judged.unfailed(),
        best=judged.best(),
        half=judged.value_at(HALF),
        few=judged.value_at(FEW),
        rows={target: judged.rows(target, estimate.n) for target in TARGETS},
    )


def chance(estimate: Estimate, limit: Limit, rule: Rule) -> float:
    """Return the chance alone that a model as good as the estimate passes; 0 when nothing can be said."""
    if decide(estimate, "estimate", limit, rule).outcome.value == "not_measured":
        return 0.0
    share = estimate.judged_share
    if share is not None and round12(share) < rule.min_judged:
        return 0.0
    return _Judging(claims=_claims(estimate, rule), limit=limit, rule=rule).passes()


def noise(estimate: Estimate) -> float | None:
    """Return about one standard error of the estimate, in its unit; None without an interval."""
    widths = [
        high - low
        for claim in claims_of(estimate, 0.95)
        if claim.bounds is not None
        for low, high in [claim.bounds]
    ]
    return max(widths) / (2.0 * _NORMAL.inv_cdf(0.95)) if widths else None


class _Sampled(Protocol):
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
        low, high = _span(limit)
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
        return 1.0 if _NORMAL.cdf(-self.z) ** (1.0 / n) >= bound else math.inf

    def kept(self, limit: Limit, confidence: float) -> Region:
        low, high = _span(limit)
        z = _NORMAL.inv_cdf(confidence)

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
        low, high = _span(limit)
        if guard is None:
            return low, high
        root = math.sqrt(rows)
        least = self._moved(low - guard, self.below / root)
        most = self._moved(high + guard, -self.above / root)
        return max(low, least), min(high, most)

    def kept(self, limit: Limit, confidence: float) -> Region:
        low, high = _span(limit)
        wider = _NORMAL.inv_cdf(confidence) / self.z
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
        low, high = _span(limit)
        return (self._distance(high), self._distance(low)) if self.ratio else (low, high)

    def region(self, limit: Limit, guard: float | None, rows: float) -> Region:
        first, last = self._ends(limit)
        if guard is not None:
            low, high = _span(limit)
            widened = (self._distance(high + guard), self._distance(low - guard)) if self.ratio else None
            near, far = widened or (low - guard, high + guard)
            root = math.sqrt(rows)
            first = max(first, near + self.below / root) if math.isfinite(near) and near > 0.0 else first
            last = min(last, far - self.above / root) if math.isfinite(far) else last
        return max(first, 0.0), last

    def kept(self, limit: Limit, confidence: float) -> Region:
        first, last = self._ends(limit)
        wider = _NORMAL.inv_cdf(confidence) / self.z
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
        return float(at > 0) if math.isinf(at) else _NORMAL.cdf((at - middle) / spread)

    return max(cdf(high) - cdf(low), 0.0)


def _span(limit: Limit) -> tuple[float, float]:
    return limit.span or (math.inf, -math.inf)


Source: TypeAlias = tuple[object, float]
"""Where noise of a claim comes from, and with which weight; the squares of a claim's weights sum to 1."""


@dataclass(frozen=True, kw_only=True)
class _Claimed:
    """One claim: how it varies, and which noise it shares with others."""

    claim: Claim
    sampled: _Sampled
    sources: tuple[Source, ...]


def _claims(estimate: Estimate, rule: Rule) -> list[_Claimed]:
    claims = claims_of(estimate, rule.confidence)
    compared: Sequence[Comparison | None] = estimate.comparisons or [None]
    return [
        _Claimed(
            claim=claim,
            sampled=_sampled(claim.value, claim.interval, rule.confidence),
            sources=_sources(number, one, claim.interval),
        )
        for number, (claim, one) in enumerate(zip(claims, compared, strict=True))
    ]


def _sampled(value: float, interval: Interval | None, confidence: float) -> _Sampled:
    z = _NORMAL.inv_cdf(confidence)
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


def _sources(number: int, one: Comparison | None, interval: Interval | None) -> tuple[Source, ...]:
    """Name the noise of a claim: that of its two groups, each with its share of the variance, or its own."""
    parts = (getattr(interval, "a", None), getattr(interval, "b", None))
    if one is None or not all(isinstance(part, Part) for part in parts):
        return ((number, 1.0),)
    relative = isinstance(interval, Evenness | MoverRatio)
    spreads = [_width(part, relative=relative) for part in parts if isinstance(part, Part)]
    whole = math.hypot(*spreads)
    if not 0.0 < whole < math.inf:
        return ((number, 1.0),)
    groups = [tuple(sorted(group.items())) for group in one.groups]
    named = [*groups, *[("other",)] * (2 - len(groups))]
    signs = (1.0, -1.0)
    # Of one group, the rate that is about other rows has another part, and so noise of its own.
    return tuple(
        ((group, part), sign * spread / whole)
        for group, part, sign, spread in zip(named, parts, signs, spreads, strict=False)
    )


def _width(part: Part, *, relative: bool) -> float:
    low, high = part.at(0.9)
    return (high - low) / part.value if relative and part.value > 0.0 else high - low


@dataclass(frozen=True, kw_only=True)
class _Judging:
    """All claims of one estimate, a limit and a rule."""

    claims: Sequence[_Claimed]
    limit: Limit
    rule: Rule

    @cached_property
    def guard(self) -> float | None:
        """None where the estimate decides alone."""
        if self.rule.decision == "point":
            return None
        return 0.0 if self.rule.decision == "bound" else self.rule.guard

    @cached_property
    def noise(self) -> NDArray[np.float64] | None:
        """Standard normal noise, a row for each claim; None when no two claims share a source."""
        import numpy as np

        named = [source for one in self.claims for source, _ in one.sources]
        if len(set(named)) == len(named):
            return None
        draws = max(min(_DRAWS, _MOST_NUMBERS // len(self.claims)), 64)
        place = {source: row for row, source in enumerate(dict.fromkeys(named))}
        half = np.random.default_rng(0).standard_normal((len(place), draws // 2))
        independent = np.concatenate([half, -half], axis=1)
        mix = np.zeros((len(self.claims), len(place)))
        for row, one in enumerate(self.claims):
            for source, weight in one.sources:
                mix[row, place[source]] += weight
        mixed: NDArray[np.float64] = mix @ independent
        return mixed

    def _all(self, regions: Sequence[Region], rows: float, *, exact: bool = True) -> float:
        """Return the chance that every claim's estimate lies in its region."""
        import numpy as np

        noise = self.noise
        if noise is None:
            chances = (
                one.sampled.chance(region, one.sampled.truth, rows, exact=exact)
                for one, region in zip(self.claims, regions, strict=True)
            )
            return math.prod(chances)
        kept = np.ones(noise.shape[1], dtype=bool)
        for one, (low, high), drawn in zip(self.claims, regions, noise, strict=True):
            value = one.sampled.drawn(drawn, rows)
            kept &= (value >= low) & (value <= high)
        return float(kept.mean())

    def passes(self, rows: float = 1.0, *, exact: bool = True) -> float:
        """Return the chance of passing with `rows` times the rows."""
        regions = [one.sampled.region(self.limit, self.guard, rows) for one in self.claims]
        return self._all(regions, rows, exact=exact)

    def inside(self) -> float:
        """Return the chance that every estimate keeps to the limit."""
        return self._all([one.sampled.region(self.limit, None, 1.0) for one in self.claims], 1.0)

    def unfailed(self) -> float:
        """Return the chance that no claim is surely outside, each at its share of alpha (as Holm begins)."""
        if self.rule.decision == "point":
            return self.inside()
        level = 1.0 - (1.0 - self.rule.confidence) / len(self.claims)
        return self._all([one.sampled.kept(self.limit, level) for one in self.claims], 1.0)

    @cached_property
    def worst(self) -> _Sampled:
        """The claim that stands worst, and of those the one known least."""

        def standing(one: _Claimed) -> tuple[float, float]:
            return one.claim.excess(self.limit), one.claim.width

        return max(self.claims, key=standing).sampled

    def _alone(self, truth: float) -> float:
        region = self.worst.region(self.limit, self.guard, 1.0)
        return self.worst.chance(region, truth, 1.0)

    @cached_property
    def _ideal(self) -> float:
        """The truth at which the worst claim passes most often: in the middle of `between`, else an end."""
        low, high = _span(self.limit)
        first, last = self.worst.range
        if math.isinf(high):
            return last
        return first if math.isinf(low) else min(max((low + high) / 2.0, first), last)

    def best(self) -> float:
        """Return the chance of the best model that there can be."""
        return self._alone(self._ideal)

    def value_at(self, target: float) -> float | None:
        """Return the truth, on the near side, at which the worst claim passes with this chance."""
        good = self._ideal
        first, last = self.worst.range
        low, high = _span(self.limit)
        near_low = math.isinf(high) or (
            not math.isinf(low) and abs(self.worst.truth - low) <= abs(high - self.worst.truth)
        )
        bad = first if near_low else last
        if self._alone(good) < target or self._alone(bad) > target:
            return None
        for _ in range(_STEPS):
            middle = (good + bad) / 2.0
            good, bad = (middle, bad) if self._alone(middle) >= target else (good, middle)
        return round12(bad)

    def rows(self, target: float, n: int) -> int | None:
        """Return about how many rows give the same model this chance; None when none do."""
        least, most = math.log(2.0 / max(n, 2)), math.log(MAX_NEEDED / max(n, 1))
        if n <= 0 or self.passes(math.exp(most), exact=False) < target:
            return None
        if self.passes(math.exp(least), exact=False) >= target:
            return math.ceil(n * math.exp(least))
        for _ in range(40):
            middle = (least + most) / 2.0
            enough = self.passes(math.exp(middle), exact=False) >= target
            least, most = (least, middle) if enough else (middle, most)
        return math.ceil(n * math.exp(most))
