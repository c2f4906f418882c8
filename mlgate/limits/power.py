"""What a table can decide: how often a model passes by the rule when only the noise of the table is new.

The estimate at hand is taken for the truth, tables of the same size are imagined, and the rule is applied to
each. The estimate of such a table is distributed around the truth as wide as the interval says (`sampling`).
Claims over groups pass together or not at all. A group that takes part in several of them has one and the
same noise in all, drawn 4096 times from a fixed seed; claims that share no group are multiplied.

Held against enumeration and simulation in tests/test_power.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from mlgate.estimates import Comparison, Estimate, Interval
from mlgate.intervals import Evenness, MoverRatio, Part
from mlgate.limits.claims import MAX_NEEDED, Claim, claims_of
from mlgate.limits.comparators import Limit, round12
from mlgate.limits.deciding import Rule, decide
from mlgate.limits.sampling import NORMAL, Region, Sampled, sampled, span

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
    return max(widths) / (2.0 * NORMAL.inv_cdf(0.95)) if widths else None


Source: TypeAlias = tuple[object, float]
"""Where noise of a claim comes from, and with which weight; the squares of a claim's weights sum to 1."""


@dataclass(frozen=True, kw_only=True)
class _Claimed:
    """One claim: how it varies, and which noise it shares with others."""

    claim: Claim
    sampled: Sampled
    sources: tuple[Source, ...]


def _claims(estimate: Estimate, rule: Rule) -> list[_Claimed]:
    claims = claims_of(estimate, rule.confidence)
    compared: Sequence[Comparison | None] = estimate.comparisons or [None]
    return [
        _Claimed(
            claim=claim,
            sampled=sampled(claim.value, claim.interval, rule.confidence),
            sources=_sources(number, one, claim.interval),
        )
        for number, (claim, one) in enumerate(zip(claims, compared, strict=True))
    ]


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
    def worst(self) -> Sampled:
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
        low, high = span(self.limit)
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
        low, high = span(self.limit)
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
