"""What is allowed in a policy and yet probably not what was meant."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mlgate.errors import Problem
from mlgate.findings import Severity
from mlgate.measures.margins import size_of
from mlgate.measures.metrics import Metric
from mlgate.policy.model import AtLeastRisk
from mlgate.policy.uses import Policy, Use

WIDE_GUARD = 0.2
"""A guard beyond this share of abs(limit) lets through what the limit was meant to stop."""

LOW_CONFIDENCE = 0.9

HIGH_RISK_PINS = ("label", "positive", "favourable", "protected", "weight")
"""Columns that a policy for high risk has to fix, besides threshold, evaluation and champion."""

UNIT_INTERVAL = frozenset(
    {
        "compare.churn",
        "compare.negative_flips",
        "data.class_balance",
        "data.duplicate_rows",
        "data.missing",
        "drift.multivariate",
        "drift.new_categories",
        "fairness.accuracy_gap",
        "fairness.demographic_parity_difference",
        "fairness.demographic_parity_ratio",
        "fairness.equal_opportunity_difference",
        "fairness.equalized_odds_difference",
        "fairness.equalized_odds_ratio",
        "fairness.false_negative_rate_gap",
        "fairness.false_positive_rate_gap",
        "leakage.key_overlap",
        "leakage.row_overlap",
        "leakage.target_predictor",
        "leakage.time_overlap",
        "performance.accuracy",
        "performance.average_precision",
        "performance.balanced_accuracy",
        "performance.brier",
        "performance.f1",
        "performance.npv",
        "performance.precision",
        "performance.recall",
        "performance.roc_auc",
        "performance.specificity",
    }
)
"""Measures whose values lie in [0, 1] whatever the data, so that some limits decide nothing."""

WORST_SLICE = ("performance.worst_slice", "performance.worst_slice_error")
"""Measures whose values are values of the metric that they are about."""


def lint(policy: Policy) -> tuple[Problem, ...]:
    """Return warnings about a policy, in the order of its uses, the ones about the whole first."""
    found = [*_whole(policy)]
    for use in policy.uses:
        found += [*_limit(use), *_rule(use, policy), *_standing(use)]
    return tuple(found)


def idle(policy: Policy) -> tuple[Problem, ...]:
    """Return a warning for each required check whose limit every value keeps to, or none does."""
    required = (use for use in policy.uses if use.severity is Severity.BLOCK)
    return tuple(problem for use in required for problem in _idle(use))


def _whole(policy: Policy) -> Iterator[Problem]:
    if not policy.can_block:
        yield Problem(
            policy.where,
            "nothing in this policy can block, so it approves nothing",
            "give at least one check `severity: block`",
        )
    elif policy.screen:
        yield Problem(
            policy.where,
            "checks that can block decide on point estimates: this is a screen, and luck passes it",
            "use `decision: guard`, or keep it for exploring",
        )
    if policy.confidence < LOW_CONFIDENCE:
        yield _low_confidence(policy.where, policy.confidence)
    missing = [*_unpinned(policy)] if policy.pins.risk in ("high", AtLeastRisk(at_least="high")) else []
    if missing:
        yield Problem(
            policy.where,
            f"this policy is for high risk and leaves {', '.join(missing)} to the author of the release",
            "fix them under `release:`",
        )


def _unpinned(policy: Policy) -> Iterator[str]:
    pins = policy.pins
    yield from (f"columns.{role}" for role in HIGH_RISK_PINS if getattr(pins.columns, role) is None)
    if pins.threshold is None:
        yield "threshold"
    if pins.evaluation is None or pins.evaluation.sha256 is None:
        yield "evaluation.sha256"
    if pins.champion is None:
        yield "champion"


def _idle(use: Use) -> Iterator[Problem]:
    where, span, values = use.stated.get("limit", use.where), use.limit.span, _values(use)
    if values is None or span is None:
        return
    (low, high), (least, most) = span, values
    lie = f"lie between {least:g} and {most:g}" if math.isfinite(most) else f"are at least {least:g}"
    limit = "limit" if use.check.claim is None else "margin"
    if low <= least and high >= most:
        yield Problem(where, f"{use.id} cannot fail: its values {lie}", f"tighten the {limit}")
    elif low > most or high < least:
        yield Problem(where, f"{use.id} cannot pass: its values {lie}", f"correct the {limit}")


def _values(use: Use) -> tuple[float, float] | None:
    """Return between which two the values of a use lie whatever the data; None where that is not known."""
    metric = use.params.get("metric")
    if not isinstance(metric, Metric):
        return (0.0, 1.0) if use.measure.id in UNIT_INTERVAL else None
    if metric.measure.id not in UNIT_INTERVAL:
        return None
    if use.check.claim is None:
        return (0.0, 1.0) if use.measure.id in WORST_SLICE else None
    if not size_of(use.params["margin"] or 0.0).relative:
        return -1.0, 1.0
    return (-1.0, math.inf) if metric.sign > 0 else None


def _limit(use: Use) -> Iterator[Problem]:
    yield from _idle(use)
    where = use.stated.get("limit", use.where)
    if use.severity is Severity.BLOCK and use.because is None and use.limit != use.check.limit:
        yield Problem(
            where,
            f"{use.id} can block, and nothing says why its limit is {use.limit}",
            "say it under `because:`; the report shows it",
        )


def _rule(use: Use, policy: Policy) -> Iterator[Problem]:
    where, value = use.stated.get("guard", use.where), use.limit.value
    if "guard" in use.stated and (use.rule.decision != "guard" or use.measure.kind == "fact"):
        reason = "is a fact" if use.measure.kind == "fact" else f"is decided by {use.rule.decision}"
        yield Problem(where, f"the guard of {use.id} has no effect, because it {reason}", "remove it")
    ends = value if isinstance(value, tuple) else (value,)
    size = max((abs(one) for one in ends if isinstance(one, int | float)), default=0.0)
    if size and use.rule.guard > WIDE_GUARD * size:
        yield Problem(
            where,
            f"guard {use.rule.guard:g} of {use.id} is over {WIDE_GUARD:.0%} of its limit ({use.limit})",
            "narrow it, or move the limit",
        )
    if use.rule.confidence < LOW_CONFIDENCE and use.rule.confidence != policy.confidence:
        yield _low_confidence(use.stated.get("confidence", use.where), use.rule.confidence)


def _low_confidence(where: str, confidence: float) -> Problem:
    return Problem(
        where,
        f"at confidence {confidence:g}, {1 - confidence:.0%} of releases at the edge are let through by luck",
        f"use at least {LOW_CONFIDENCE}",
    )


def _standing(use: Use) -> Iterator[Problem]:
    if use.check.lifecycle == "deprecated":
        yield Problem(use.where, f"{use.check.id} is deprecated", "see `mlgate explain` for what replaces it")
    if use.check.lifecycle == "preview" and use.severity is Severity.BLOCK:
        yield Problem(
            use.stated.get("severity", use.where),
            f"{use.check.id} is a preview, which may change its values, and here it can block",
            "use `severity: warn` until it is stable",
        )
