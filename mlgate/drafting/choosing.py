"""Limits that a table can decide, started from what the present model reaches on it.

A limit is set so far below the present estimate (above it, for what should be low) that a model as good as
the present one passes with `LIKELY`, and then rounded outwards to about its noise. That is no requirement: it
is where to start from, and every one says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlgate.cells import By, Task
from mlgate.estimates import Estimate
from mlgate.gate.measuring import Measured
from mlgate.limits import Limit, Op, Rule
from mlgate.limits.power import chance, noise

LIKELY = 0.95
"""The chance of passing that a drafted limit leaves a model as good as the present one, at least."""

LARGEST_GAP = 0.1
"""A gap between groups that `baseline` warns of; none that is larger is drafted as allowed."""

LEAST_RATIO = 0.8
"""Four fifths: no ratio between groups that is smaller is drafted as allowed."""

GUARDS = (None, 0.03, 0.05)
"""Guards that are tried for gaps; None: the check's own."""

_ROUGHLY = 2.0
"""A limit is rounded to a step of at most so many standard errors."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A check that a draft may use."""

    check: str
    op: Op
    because: str
    line: float = LARGEST_GAP
    """Of a check over groups: what it may not be worse than to be drafted as required."""


PERFORMANCE: Mapping[Task, tuple[Wanted, ...]] = {
    "binary": (
        Wanted(
            check="performance/roc-auc", op=Op.AT_LEAST, because="how well positives rank above negatives"
        ),
        Wanted(check="performance/recall", op=Op.AT_LEAST, because="the share of positives that is found"),
        Wanted(check="performance/precision", op=Op.AT_LEAST, because="the share of alarms that is right"),
        Wanted(check="performance/brier", op=Op.AT_MOST, because="how far probabilities are off"),
    ),
    "multiclass": (
        Wanted(check="performance/accuracy", op=Op.AT_LEAST, because="the share of rows that is right"),
        Wanted(
            check="performance/balanced-accuracy",
            op=Op.AT_LEAST,
            because="the recall of the classes, on average",
        ),
        Wanted(check="performance/log-loss", op=Op.AT_MOST, because="how far probabilities are off"),
    ),
    "regression": (
        Wanted(check="performance/mae", op=Op.AT_MOST, because="how far predictions are off, on average"),
        Wanted(
            check="performance/rmse",
            op=Op.AT_MOST,
            because="how far they are off, large errors counting more",
        ),
        Wanted(check="performance/r2", op=Op.AT_LEAST, because="the share of the variance that is explained"),
    ),
    "scores": (Wanted(check="performance/mean-score", op=Op.AT_LEAST, because="the score, on average"),),
}
"""In the order of the draft; what the catalogue lacks, or this table cannot measure, is left out."""

FAIRNESS: Mapping[Task, tuple[Wanted, ...]] = {
    "binary": (
        Wanted(
            check="fairness/demographic-parity-difference",
            op=Op.AT_MOST,
            because="how far apart groups lie in how often they are chosen",
        ),
        Wanted(
            check="fairness/equalized-odds-difference",
            op=Op.AT_MOST,
            because="how far apart groups lie in how often the model is wrong about them",
        ),
    ),
    "multiclass": (
        Wanted(check="fairness/accuracy-gap", op=Op.AT_MOST, because="how far apart groups lie in accuracy"),
    ),
    "regression": (
        Wanted(
            check="fairness/regression-parity-ratio",
            op=Op.AT_LEAST,
            because="how even the predictions for groups are, on average",
            line=LEAST_RATIO,
        ),
    ),
    "scores": (),
}
"""A group check is drafted as required only where this table can hold the present model to `line`: a draft
does not make a gap official by allowing it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A limit that was chosen, or why none was."""

    wanted: Wanted
    limit: float | None
    guard: float | None = None
    """None: the check's own."""
    groups: tuple[tuple[By, ...], ...] = ()
    value: float | None = None
    chance: float = 0.0
    """That a model as good as the present one passes."""
    reason: str | None = None


def choose(wanted: Wanted, measured: Measured) -> Choice:
    """Choose the limit of a check on the whole table."""
    use = measured.question.use
    estimate, rule = measured.estimate, use.rule
    if estimate.value is None or noise(estimate) is None:
        return Choice(wanted=wanted, limit=None, reason=estimate.reason or "it has no interval")
    guard = None
    if "guard" not in use.stated and use.check.guard is None:
        guard = _down(0.05 * abs(estimate.value), 0.02 * abs(estimate.value)) or None
        rule = replace(rule, guard=guard or 0.0)
    limit = _limit(estimate, wanted.op, rule)
    if limit is None:
        return Choice(wanted=wanted, limit=None, value=estimate.value, reason="no limit is passed reliably")
    return Choice(
        wanted=wanted,
        limit=limit,
        guard=guard,
        value=estimate.value,
        chance=chance(estimate, Limit(wanted.op, limit), rule),
    )


def choose_gap(wanted: Wanted, measured: Sequence[Measured]) -> list[Choice]:
    """Choose the limit of a check over groups: for those sets of groups that this table can hold to it.

    Returns one choice with the groups that can be judged, and one with its reason for each set that cannot.
    """
    found: list[Choice] = []
    held: list[tuple[Measured, float, float | None]] = []
    for one in measured:
        by = one.question.by or ()
        value = one.estimate.value
        if value is None or noise(one.estimate) is None:
            reason = one.estimate.reason or "it has no interval"
            found.append(Choice(wanted=wanted, limit=None, groups=(by,), reason=reason))
            continue
        chosen = _gap(one.estimate, wanted, one.question.use.rule)
        if chosen is None:
            line = Limit(wanted.op, wanted.line)
            why = "its noise is too large" if line.inside(value) else "the present model is outside"
            reason = f"now {value:.3g}; this table cannot hold it to {line}: {why}"
            found.append(Choice(wanted=wanted, limit=None, groups=(by,), value=value, reason=reason))
            continue
        held.append((one, *chosen))
    if held:
        worst = max if wanted.op is Op.AT_MOST else min
        limit = worst(limit for _, limit, _ in held)
        guards = [guard for _, _, guard in held if guard is not None]
        guard = max(guards, default=None)
        chances = [
            chance(
                one.estimate,
                Limit(wanted.op, limit),
                one.question.use.rule if guard is None else replace(one.question.use.rule, guard=guard),
            )
            for one, _, _ in held
        ]
        found.insert(
            0,
            Choice(
                wanted=wanted,
                limit=limit,
                guard=guard,
                groups=tuple(one.question.by or () for one, _, _ in held),
                value=worst(one.estimate.value or 0.0 for one, _, _ in held),
                chance=min(chances),
            ),
        )
    return found


def _gap(estimate: Estimate, wanted: Wanted, rule: Rule) -> tuple[float, float | None] | None:
    for guard in GUARDS:
        if guard is not None and guard <= rule.guard:
            continue
        limit = _limit(estimate, wanted.op, rule if guard is None else replace(rule, guard=guard))
        if limit is not None and Limit(wanted.op, wanted.line).inside(limit):
            return limit, guard
    return None


def _limit(estimate: Estimate, op: Op, rule: Rule) -> float | None:
    """Return the strictest round limit that is passed with `LIKELY`; None when there is none nearby."""
    value, spread = estimate.value, noise(estimate)
    if value is None or spread is None or not 0.0 < spread < math.inf:
        return None
    step = _step(_ROUGHLY * spread)
    sign = -1.0 if op is Op.AT_LEAST else 1.0
    places = math.floor(value / step + 1e-9) if op is Op.AT_LEAST else math.ceil(value / step - 1e-9)
    for number in range(200):
        limit = float(f"{(places + sign * number) * step:.10g}")
        if chance(estimate, Limit(op, limit), rule) >= LIKELY:
            return limit
    return None


def _step(most: float) -> float:
    """Return the largest of 1 and 5 times a power of ten that is at most `most`."""
    power = 10.0 ** math.floor(math.log10(most))
    return float(f"{(5 * power if 5 * power <= most else power):.10g}")


def _down(amount: float, least: float) -> float:
    """Round an amount down to one digit, keeping it above `least`."""
    if amount <= 0.0:
        return 0.0
    step = _step(amount)
    rounded = float(f"{math.floor(amount / step + 1e-9) * step:.10g}")
    return rounded if rounded > least else amount
