"""The numbers that a claim covers: their bounds, whether they pass, and which are surely outside."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mlgate.estimates import Comparison, Estimate, Interval
from mlgate.intervals import Clustered, Exact, Mapped, Part, Wilson
from mlgate.limits.comparators import Limit, round12

MAX_NEEDED = 10**9
"""`needed_n` beyond this many rows is not worth naming."""

SMALLEST_P = 1e-12
"""P-values are not told apart below this: confidences closer to 1 lose their digits."""

LARGEST_ALPHA = 0.5
"""A one-sided bound at 0.5 is the middle of the interval; there is nothing to claim beyond it."""

SLACK = 1e-9
"""How far, relative to the bounds, an estimate may lie outside its interval by rounding alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One number that must be inside, with what can be said of it at the rule's confidence."""

    name: str | None
    value: float
    interval: Interval | None
    bounds: tuple[float, float] | None = None
    """Two-sided, rounded. None for facts, and where `fault` says why there are none."""
    fault: str | None = None
    """Why nothing can be said of it under noise."""

    @property
    def width(self) -> float:
        """Return how far apart the bounds lie; infinite without bounds."""
        return math.inf if self.bounds is None else round12(self.bounds[1] - self.bounds[0])

    def excess(self, limit: Limit) -> float:
        """Return how far outside the value lies; negative inside, infinite when it is not finite."""
        span = limit.span
        if span is None or not math.isfinite(self.value):
            return math.inf
        return max(span[0] - self.value, self.value - span[1])


def claims_of(estimate: Estimate, confidence: float | None) -> list[Claim]:
    """Return every number that must be inside; with its bounds at a one-sided confidence, unless None."""
    claims = [
        Claim(name=one.name, value=_told(one), interval=one.interval, fault=one.reason)
        for one in estimate.comparisons
    ]
    if not claims:
        value = math.nan if estimate.value is None else estimate.value
        claims = [Claim(name=None, value=value, interval=estimate.interval)]
    return [_examined(claim, estimate.reason, confidence) for claim in claims]


def _told(comparison: Comparison) -> float:
    """Return its value; NaN where it gives a reason for having none, whatever number stands there."""
    return comparison.value if comparison.reason is None else math.nan


def _examined(claim: Claim, reason: str | None, confidence: float | None) -> Claim:
    """Add the claim's bounds, or the fault that leaves it without."""
    name = "" if claim.name is None else f"{claim.name}: "
    if not math.isfinite(claim.value):
        fault = claim.fault or f"the value is not finite ({claim.value})"
        return replace(claim, fault=f"{name}{fault}")
    if confidence is None:
        return claim
    if claim.interval is None:
        why = reason or "the measure returns none for these rows"
        said = why if "no interval" in why else f"no interval: {why}"
        return replace(claim, fault=f"{name}{said}")
    found = _bounds(claim.value, claim.interval, 2.0 * confidence - 1.0)
    if isinstance(found, str):
        return replace(claim, fault=f"{name}no interval: {found}")
    return replace(claim, bounds=found)


def _bounds(value: float, interval: Interval, confidence: float) -> tuple[float, float] | str:
    """Return the two-sided bounds, rounded and holding the value, or what is wrong with them."""
    found = _at(interval, confidence)
    if isinstance(found, str):
        return found
    low, high = found
    middle = round12(value)
    shown = f"({low:g}, {high:g})"
    if low >= high:
        return f"its bounds {shown} are {'one number' if low == high else 'crossed'}"
    slack = SLACK * max(abs(low), abs(high))
    if not low - slack <= middle <= high + slack:
        return f"its bounds {shown} leave out the estimate {value:g}"
    return min(low, middle), max(high, middle)


def _at(interval: Interval, confidence: float) -> tuple[float, float] | str:
    """Return the rounded bounds, or why there are none."""
    try:
        low, high = interval.at(confidence)
    except (ArithmeticError, ValueError) as error:
        return f"{interval.method} breaks off ({error})"
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"its bounds ({low:g}, {high:g}) are not finite"
    return round12(low), round12(high)


def passes(value: float, bounds: tuple[float, float] | None, limit: Limit, guard: float) -> bool:
    """Whether the value is inside and neither bound reaches past the limit by more than the guard."""
    span = limit.span
    if bounds is None or span is None or not limit.inside(value):
        return False
    return bounds[0] >= round12(span[0] - guard) and bounds[1] <= round12(span[1] + guard)


def excluded(value: float, interval: Interval, limit: Limit, alpha: float) -> bool:
    """Whether the value is outside, and so is the one-sided bound at 1 - alpha that is nearer the limit."""
    span = limit.span
    if span is None or limit.inside(value) or not 0.0 < alpha <= LARGEST_ALPHA:
        return False
    bounds = _at(interval, 1.0 - 2.0 * alpha)
    if isinstance(bounds, str):
        return False
    return max(bounds[1], value) < span[0] or min(bounds[0], value) > span[1]


def _exact(interval: Interval) -> Part | None:
    """Return Clopper and Pearson's interval of a share that has Wilson's; None for what is no share."""
    match interval:
        case Wilson(k, n):
            return Exact(k, n)
        case Clustered() | Mapped():
            part = _exact(interval.part)
            return None if part is None else replace(interval, part=part)
    return None


def _sharing(interval: Interval) -> tuple[Interval, ...]:
    """Return the intervals that all must leave the limit out where many claims share one alpha."""
    exact = _exact(interval)
    return (interval,) if exact is None else (interval, exact)


def p_outside(value: float, interval: Interval, limit: Limit, *, start: float = LARGEST_ALPHA) -> float:
    """Return the p-value of "the true number is inside": small when the number is surely outside.

    The smallest alpha at which the one-sided bound at 1 - alpha leaves the limit out, found by bisection
    over the confidence of the interval, from alpha = `start` down to `SMALLEST_P`; 1.0 when the bound at
    `start` does not leave it out, which is always so when `value` is inside.

    Below `start`, where many claims share one alpha, a share is outside by its exact bound as well: Wilson's
    is too near for a confidence far from the usual ones, and of 20 slices of 50 rows with a share of 0.9, at
    a limit of 0.9, one would fail in 17 % of tables.
    """
    if not excluded(value, interval, limit, start):
        return 1.0

    def outside(alpha: float) -> bool:
        return all(excluded(value, one, limit, alpha) for one in _sharing(interval))

    if outside(SMALLEST_P):
        return SMALLEST_P
    low, high = math.log(SMALLEST_P), math.log(start)
    for _ in range(48):
        middle = (low + high) / 2.0
        if outside(math.exp(middle)):
            high = middle
        else:
            low = middle
    return min(math.exp(high), start)


def holm(claims: Sequence[Claim], limits: Sequence[Limit], alpha: float) -> list[bool]:
    """Return which claims are surely outside, with the chance of any error at most alpha (Holm 1979).

    `limits` has one for each claim.
    """
    ranked = sorted(
        (p_outside(claim.value, claim.interval, limit, start=alpha), i)
        for i, (claim, limit) in enumerate(zip(claims, limits, strict=True))
        if claim.fault is None and claim.interval is not None
    )
    rejected = [False] * len(claims)
    for rank, (p, i) in enumerate(ranked):
        if p > alpha / (len(ranked) - rank):
            break
        rejected[i] = True
    return rejected


def rows_to_pass(
    claims: Sequence[Claim], n: int, limit: Limit, guard: float, confidence: float
) -> int | None:
    """Return the fewest rows at which all claims would pass with the same estimates; None when never."""
    needed = n
    for claim in claims:

        def passed(rows: int, claim: Claim = claim) -> bool:
            bounds = _grown(claim, rows / n, 2.0 * confidence - 1.0)
            return passes(claim.value, bounds, limit, guard)

        rows = _fewest(passed, needed, MAX_NEEDED)
        if rows is None:
            return None
        needed = rows
    return needed


def rows_to_fail(
    claims: Sequence[Claim], n: int, limit: Limit, alpha: float, *, sharing: bool = False
) -> int | None:
    """Return the fewest rows at which one claim would be outside at `alpha`; None when none ever is.

    `sharing` says that `alpha` is the part of one that many claims share, see `p_outside`.
    """
    span = limit.span
    needed: int | None = None
    for claim in claims:
        if span is None or limit.inside(claim.value) or claim.interval is None:
            continue
        sure = _sharing(claim.interval) if sharing else (claim.interval,)
        every = [replace(claim, interval=one) for one in sure]

        def failed(
            rows: int, every: list[Claim] = every, low: float = span[0], high: float = span[1]
        ) -> bool:
            found = [_grown(one, rows / n, 1.0 - 2.0 * alpha) for one in every]
            return all(bounds is not None and (bounds[1] < low or bounds[0] > high) for bounds in found)

        needed = _fewest(failed, n, needed or MAX_NEEDED) or needed
    return needed


def _grown(claim: Claim, factor: float, confidence: float) -> tuple[float, float] | None:
    """Return the claim's bounds with `factor` times the rows, None where there are none."""
    if claim.interval is None:
        return None
    try:
        grown = claim.interval.grown(factor)
    except (ArithmeticError, ValueError):
        return None
    found = _bounds(claim.value, grown, confidence)
    return None if isinstance(found, str) else found


def _fewest(test: Callable[[int], bool], start: int, stop: int) -> int | None:
    """Return the smallest number in [start, stop] that passes a test which, once passed, stays passed."""
    if start <= 0 or start > stop or not test(stop):
        return None
    if test(start):
        return start
    low, high = start, stop
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if test(middle) else (middle, high)
    return high
