"""Advice on policies that are valid and perhaps not what was meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlgate import measures
from mlgate.policy import Policy, lint
from mlgate.policy.lint import UNIT_INTERVAL, WORST_SLICE

GOOD = "  - {check: performance/roc-auc, at_least: 0.7, because: below this manual review is better}\n"


@pytest.fixture
def advice(policy: Callable[[str], Policy]) -> Callable[[str], list[str]]:
    """Return a function that gives the advice on a policy as `line: what`."""

    def given(body: str) -> list[str]:
        return [f"{one.where.rpartition(':')[2]}: {one.what}" for one in lint(policy(body))]

    return given


def test_a_sound_policy_gets_no_advice(advice: Callable[[str], list[str]]) -> None:
    """Advice on everything would be read by nobody."""
    assert advice(f"checks:\n{GOOD}  - {{check: data/unique-key}}\n") == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("checks: [{check: performance/f1, at_least: 0, because: x}]", "3: performance/f1 cannot fail"),
        ("checks: [{check: performance/f1, at_least: 1.1, because: x}]", "3: performance/f1 cannot pass"),
        (
            "checks: [{check: compare/non-inferior, params: {metric: accuracy, margin: 1e9}, because: x}]",
            "3: compare/non-inferior cannot fail: its values lie between -1 and 1",
        ),
        (
            "checks: [{check: compare/non-inferior, params: {metric: f1, margin: 100%}, because: x}]",
            "3: compare/non-inferior cannot fail: its values are at least -1",
        ),
        (
            "checks: [{check: compare/equivalent, params: {metric: brier, margin: 1}, because: x}]",
            "3: compare/equivalent cannot fail",
        ),
        (
            "checks: [{check: compare/superior, params: {metric: recall, margin: 2}, because: x}]",
            "3: compare/superior cannot pass",
        ),
        ("checks: [{check: compare/churn, at_most: 1, because: x}]", "3: compare/churn cannot fail"),
        (
            "checks: [{check: leakage/row-overlap, at_most: 1, because: x}]",
            "3: leakage/row-overlap cannot fail",
        ),
        (
            "checks: [{check: performance/worst-slice, params: {metric: recall}, at_least: 0, because: x}]",
            "3: performance/worst-slice cannot fail",
        ),
        ("checks: [{check: performance/brier, at_most: 1, because: x}]", "3: performance/brier cannot fail"),
        ("checks: [{check: performance/f1, at_least: 0.7}]", "nothing says why its limit is at least 0.7"),
        (
            "checks: [{check: performance/f1, at_least: 0.5, because: x, guard: 0.2}]",
            "guard 0.2 of performance/f1 is over 20%",
        ),
        (
            "checks: [{check: performance/f1, at_least: 0.7, because: x, severity: warn}]",
            "2: nothing in this policy can block",
        ),
        (
            f"decision: point\nchecks:\n{GOOD}",
            "2: checks that can block decide on point estimates: this is a screen",
        ),
        (f"confidence: 0.8\nchecks:\n{GOOD}", "2: at confidence 0.8, 20% of releases at the edge"),
        (
            "checks: [{check: performance/f1, at_least: 0.7, because: x, confidence: 0.8}]",
            "3: at confidence 0.8",
        ),
        (
            "checks: [{check: data/row-count, at_least: 9, because: x, guard: 1}]",
            "no effect, because it is a fact",
        ),
        (
            "decision: bound\nchecks: [{check: performance/f1, at_least: 0.9, because: x, guard: 0.1}]",
            "because it is decided by bound",
        ),
        ("checks: [{check: own/deprecated, at_least: 0.7, because: x}]", "3: own/deprecated is deprecated"),
        (
            "checks: [{check: own/preview, at_least: 0.7, because: x, severity: block}]",
            "3: own/preview is a preview",
        ),
    ],
)
def test_what_was_probably_not_meant_is_pointed_out(
    advice: Callable[[str], list[str]], body: str, found: str
) -> None:
    """Each piece of advice names the line and the reason."""
    assert any(found in one for one in advice(f"{body}\n"))


def test_high_risk_wants_every_pin(advice: Callable[[str], list[str]]) -> None:
    """A policy for high risk that leaves choices to the author says which."""
    (one,) = advice(
        f"release: {{risk: {{at_least: high}}, threshold: 0.5, columns: {{label: y}}}}\nchecks:\n{GOOD}"
    )
    assert (
        "leaves columns.positive, columns.favourable, columns.protected, columns.weight, evaluation.sha256"
        in one
    )
    assert "threshold," not in one


def test_the_measures_that_are_known_to_be_shares_exist() -> None:
    """A renamed measure would silently lose its advice."""
    assert set(measures.catalogue()) >= UNIT_INTERVAL | set(WORST_SLICE)
