"""The rule: pass, fail or inconclusive, and what can be said about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mlgate.estimates import Estimate
from mlgate.findings import Leans, Outcome
from mlgate.limits.claims import Claim, claims_of, holm, passes, rows_to_fail, rows_to_pass
from mlgate.limits.comparators import Limit, Op, round12

LEAST_CONFIDENCE = 0.5
"""A one-sided claim at no more than this is no claim: its interval would be empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How sure one has to be."""

    decision: Literal["point", "guard", "bound"] = "guard"
    confidence: float = 0.95
    """One-sided, in (0.5, 1). The interval shown is two-sided at 2 x confidence - 1."""
    guard: float = 0.0
    """In the unit of the measure, >= 0: how far the uncertain end may reach past the limit."""
    min_judged: float = 0.9
    """A smaller share of rows in judged groups makes a pass inconclusive."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What the rule says of one estimate."""

    outcome: Outcome
    leans: Leans | None = None
    """On which side the estimate lies; given when the outcome is inconclusive."""
    interval: tuple[float, float] | None = None
    """Two-sided at 2 x confidence - 1; with comparisons, that of the one whose value is the estimate's."""
    method: str | None = None
    decides: str | None = None
    """The comparison that decides: the worst of those that have the outcome."""
    decided_on: str
    """`fact`, `point`, `guard` or `bound`."""
    needed_n: int | None = None
    """Rows at which the same estimate would be decided; None when never, or past a thousand million."""
    reason: str | None = None
    groups: tuple[Outcome | None, ...] = ()
    """One per comparison; None where it could not be judged."""


def decide(estimate: Estimate, kind: str, limit: Limit, rule: Rule) -> Decision:
    """Hold one estimate against a limit. Never raises for any numbers.

    `kind` is `fact`, `estimate` or `timing`: facts are compared as they are.
    """
    return decide_family((estimate,), kind, (limit,), rule)[0]


def decide_family(
    estimates: Sequence[Estimate], kind: str, limits: Sequence[Limit], rule: Rule
) -> tuple[Decision, ...]:
    """Hold the slices of one use against their limits; one decision an estimate, in their order.

    The limits differ where the policy makes an exception for a slice.

    That all are inside is an intersection-union claim and needs no correction; that some are outside
    takes Holm over all comparisons of all slices together. What cannot be tested is not counted there:
    otherwise slices without rows would shield a failing one.
    """
    noisy = kind != "fact" and rule.decision != "point"
    faults = [_fault(one, kind, limit, rule) for one, limit in zip(estimates, limits, strict=True)]
    claims = [
        () if fault else claims_of(estimate, None if kind == "fact" else rule.confidence)
        for estimate, fault in zip(estimates, faults, strict=True)
    ]
    alpha = 1.0 - rule.confidence
    family = [claim for some in claims for claim in some]
    of_family = [limit for some, limit in zip(claims, limits, strict=True) for _ in some]
    rejected = holm(family, of_family, alpha) if noisy else []
    level = alpha / max(sum(claim.fault is None for claim in family) - sum(rejected), 1)
    of_claim = iter(rejected)
    decisions = []
    for estimate, fault, some, limit in zip(estimates, faults, claims, limits, strict=True):
        if fault is not None:
            empty = (None,) * len(estimate.comparisons)
            decision = Decision(outcome=Outcome.NOT_MEASURED, decided_on="", reason=fault, groups=empty)
        elif noisy:
            outside = [next(of_claim) for _ in some]
            decision = _weigh(estimate, some, outside, limit, rule, level=level)
        else:
            decision = _compare(estimate, some, limit)
        on = "fact" if kind == "fact" else rule.decision
        decisions.append(replace(_share(decision, estimate, rule), decided_on=on))
    return tuple(decisions)


def _fault(estimate: Estimate, kind: str, limit: Limit, rule: Rule) -> str | None:
    """Say why nothing can be decided, or None."""
    if estimate.value is None:
        return estimate.reason or "the measure gave no value and no reason"
    if not math.isfinite(estimate.value):
        return f"the value is not finite ({estimate.value})"
    return _senseless(kind, limit, rule)


def _senseless(kind: str, limit: Limit, rule: Rule) -> str | None:
    """Say why no number could be held against this limit by this rule, or None.

    Policies are validated when they are read; this is the second lock on the same door.
    """
    if kind != "fact" and limit.op in (Op.EQUALS, Op.HOLDS):
        return f"`{limit.op.value}` is for facts, and this is of kind `{kind}`"
    if isinstance(limit.value, str):
        return f"the value is a number, the limit the text {limit.value!r}"
    if limit.span is None:
        return f"no number can keep to the limit `{limit.op.value}: {limit.value}`"
    if not LEAST_CONFIDENCE < rule.confidence < 1.0:
        return f"the confidence must lie between {LEAST_CONFIDENCE} and 1, not {rule.confidence}"
    if not 0.0 <= rule.guard < math.inf:
        return f"the guard must be finite and at least 0, not {rule.guard}"
    return None


def _compare(estimate: Estimate, claims: Sequence[Claim], limit: Limit) -> Decision:
    """Decide by the numbers alone: facts, and screens."""
    outcomes = [
        (Outcome.PASS if limit.inside(claim.value) else Outcome.FAIL) if math.isfinite(claim.value) else None
        for claim in claims
    ]
    if Outcome.FAIL in outcomes or not limit.inside(_value(estimate)):
        outcome = Outcome.FAIL
    else:
        outcome = Outcome.NOT_MEASURED if None in outcomes else Outcome.PASS
    return _decision(estimate, claims, outcomes, outcome, limit)


def _weigh(
    estimate: Estimate,
    claims: Sequence[Claim],
    outside: Sequence[bool],
    limit: Limit,
    rule: Rule,
    *,
    level: float,
) -> Decision:
    """Decide under noise. `outside` says which claims Holm rejects, `level` where it stops."""
    guard = 0.0 if rule.decision == "bound" else rule.guard
    outcomes = [
        _outcome(claim, rejected, passes(claim.value, claim.bounds, limit, guard))
        for claim, rejected in zip(claims, outside, strict=True)
    ]
    inside = limit.inside(_value(estimate))
    if Outcome.FAIL in outcomes:
        outcome = Outcome.FAIL
    elif None in outcomes:
        outcome = Outcome.NOT_MEASURED
    elif inside and all(one is Outcome.PASS for one in outcomes):
        outcome = Outcome.PASS
    else:
        outcome = Outcome.INCONCLUSIVE
    decision = _decision(estimate, claims, outcomes, outcome, limit)
    if outcome is not Outcome.INCONCLUSIVE:
        return decision
    if inside and all(limit.inside(claim.value) for claim in claims):
        rows = rows_to_pass(claims, estimate.n, limit, guard, rule.confidence)
        reason = f"the estimate keeps to {limit}, but its interval reaches too far outside"
        return replace(decision, leans=Leans.INSIDE, needed_n=rows, reason=reason)
    rows = rows_to_fail(claims, estimate.n, limit, level, sharing=level < 1.0 - rule.confidence)
    reason = f"the estimate does not keep to {limit}, but its interval reaches inside"
    return replace(decision, leans=Leans.OUTSIDE, needed_n=rows, reason=reason)


def _outcome(claim: Claim, rejected: bool, passed: bool) -> Outcome | None:
    if claim.fault is not None:
        return None
    if rejected:
        return Outcome.FAIL
    return Outcome.PASS if passed else Outcome.INCONCLUSIVE


def _decision(
    estimate: Estimate,
    claims: Sequence[Claim],
    outcomes: Sequence[Outcome | None],
    outcome: Outcome,
    limit: Limit,
) -> Decision:
    """Name the claim that decides, and show the interval of the one that the value is of.

    Of claims that stand equally badly it is the one known least, so that no order of names decides.
    """

    def standing(claim: Claim) -> tuple[float, float]:
        return round12(claim.excess(limit)), claim.width

    sought = None if outcome is Outcome.NOT_MEASURED else outcome
    having = [claim for claim, one in zip(claims, outcomes, strict=True) if one is sought]
    decisive = max(having or claims, key=standing)
    middle = round12(_value(estimate))
    same = [claim for claim in claims if round12(claim.value) == middle]
    shown = decisive if decisive in same or not same else max(same, key=standing)
    return Decision(
        outcome=outcome,
        interval=shown.bounds,
        method=None if shown.bounds is None or shown.interval is None else shown.interval.method,
        decides=decisive.name,
        decided_on="",
        reason=decisive.fault if outcome is Outcome.NOT_MEASURED else None,
        groups=tuple(outcomes) if estimate.comparisons else (),
    )


def _share(decision: Decision, estimate: Estimate, rule: Rule) -> Decision:
    """Let nothing pass on too small a share of the rows; what fails on it, fails.

    Such a finding leans to neither side: what the unjudged rows would say is not noise around the
    estimate, so a policy that lets leaning inside through does not let this through.
    """
    share = estimate.judged_share
    if share is None or round12(share) >= rule.min_judged:
        return decision
    if decision.outcome not in (Outcome.PASS, Outcome.INCONCLUSIVE):
        return decision
    words = f"judged groups hold {share:.1%} of the rows, less than {rule.min_judged:.0%}"
    reason = words if decision.reason is None else f"{decision.reason}; {words}"
    leans = Leans.OUTSIDE if decision.leans is Leans.OUTSIDE else None
    return replace(decision, outcome=Outcome.INCONCLUSIVE, leans=leans, reason=reason)


def _value(estimate: Estimate) -> float:
    return math.nan if estimate.value is None else estimate.value
